/**
 * An Authorizer that follows its two files: a good change is in force within
 * seconds, a broken one is reported and changes nothing. Caller: net/agent.
 */
import type { Scheduler } from "../../core/env.ts";
import { ProglogError } from "../../core/errors.ts";
import { type AclText, Authorizer } from "./authorizer.ts";
import { type Watch, watchFiles } from "./file_watch.ts";

export interface AclFiles {
  readonly modelFile: string;
  readonly policyFile: string;
}

export type ReloadResult =
  | { readonly ok: true; readonly generation: number }
  | { readonly ok: false; readonly error: Error };

/** Reads both files; throws `not_found` or `invalid_argument`. */
export function openAuthorizer(files: AclFiles): Promise<Authorizer> {
  return Authorizer.create(readAcl(files));
}

/** Applies changes of the files to `authorizer` until stopped. */
export function watchAcl(options: {
  readonly files: AclFiles;
  readonly authorizer: Authorizer;
  readonly scheduler: Scheduler;
  readonly report: (result: ReloadResult) => void;
  readonly pollMs?: number;
}): Watch {
  const { files, authorizer, scheduler, report } = options;
  return watchFiles({
    paths: [files.modelFile, files.policyFile],
    scheduler,
    ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
    onSettled: async () => report(await reload(files, authorizer)),
  });
}

async function reload(
  files: AclFiles,
  authorizer: Authorizer,
): Promise<ReloadResult> {
  try {
    await authorizer.replace(readAcl(files));
    return { ok: true, generation: authorizer.generation };
  } catch (error) {
    return {
      ok: false,
      error: error instanceof Error ? error : new Error(String(error)),
    };
  }
}

function readAcl(files: AclFiles): AclText {
  return {
    model: readText(files.modelFile),
    policy: readText(files.policyFile),
  };
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new ProglogError(
      cause instanceof Deno.errors.NotFound ? "not_found" : "permission_denied",
      `Cannot read the ACL file ${path}`,
      { details: { path, kind: "acl" }, cause },
    );
  }
}

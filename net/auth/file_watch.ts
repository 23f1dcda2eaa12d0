/**
 * Tells when files have changed and then come to rest, by looking at them every
 * two seconds. Looking survives what events do not: atomic renames, the symbolic
 * links of Kubernetes volumes, network file systems. Callers: authorizer_reload.ts,
 * certificate_watch.ts.
 */
import type { Scheduler } from "../../core/env.ts";

const POLL_MS_DEFAULT = 2_000;

export interface FileWatchOptions {
  readonly paths: readonly string[];
  readonly scheduler: Scheduler;
  readonly pollMs?: number;
  /**
   * Called when the files differ from what they were at the last call (or at
   * the start) and have looked the same twice in a row. Must not reject.
   */
  readonly onSettled: () => Promise<void>;
}

export interface Watch {
  stop(): void;
}

export function watchFiles(options: FileWatchOptions): Watch {
  const { scheduler, pollMs = POLL_MS_DEFAULT } = options;
  let handled = signatureOf(options.paths);
  let previous = handled;
  let stopped = false;
  let cancel = scheduler.after(pollMs, poll);

  async function poll(): Promise<void> {
    const seen = signatureOf(options.paths);
    const atRest = seen === previous;
    previous = seen;
    if (atRest && seen !== handled) {
      handled = seen;
      await options.onSettled();
    }
    if (!stopped) cancel = scheduler.after(pollMs, poll);
  }

  return {
    stop() {
      stopped = true;
      cancel();
    },
  };
}

/** Changes with every write, rename, creation and removal. */
function signatureOf(paths: readonly string[]): string {
  return paths.map(signatureOfOne).join("|");
}

function signatureOfOne(path: string): string {
  try {
    const info = Deno.statSync(path);
    return `${info.dev}:${info.ino}:${info.size}:${info.mtime?.getTime()}`;
  } catch (error) {
    // A file that cannot be read has a signature too: it will change back.
    return error instanceof Error ? error.name : "unreadable";
  }
}

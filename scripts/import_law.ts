/**
 * Who may import whom, as tables: cli -> net -> core, the parts of core and net
 * among each other, and one door for each package. Pure. Caller: check_imports.ts.
 */
import { posix } from "node:path";
import { type Import, importsOf } from "./source_text.ts";
import type { SourceFile, Violation } from "./check_imports.ts";

const LAYERS: Readonly<Record<string, readonly string[]>> = {
  core: ["core"],
  net: ["net", "core"],
  cli: ["cli", "net", "core"],
  scripts: ["scripts", "cli", "net", "core", "tests"],
};

/** Which parts of the same layer a part may use besides itself. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  "core/log": [],
  "core/raft": [],
  "core/swim": [],
  "core/cluster": ["core/log", "core/raft", "core/swim"],
  "net/os": [],
  "net/auth": [],
  "net/telemetry": [],
  "net/http2": [],
  "net/runtime": [],
  "net/transport": ["net/auth"],
  "net/grpc": ["net/http2", "net/transport"],
  "net/rpc": ["net/grpc"],
  "net/client": [
    "net/auth",
    "net/grpc",
    "net/http2",
    "net/os",
    "net/rpc",
    "net/transport",
  ],
  "net/load": ["net/client", "net/rpc"],
};

/** The composition root may use every part of its layer. */
const ROOTS: readonly string[] = ["net/agent"];

/** core is blind and deaf; this one file lends it a fast checksum. */
const CORE_EXCEPTION = { path: "core/crc32.ts", specifier: "node:zlib" };

/** A folder ends in "/". A package that is not here may have one importing file. */
const DOORS: Readonly<Record<string, string>> = {
  "@bufbuild/protobuf": "net/rpc/",
  "casbin": "net/auth/authorizer.ts",
  "commander": "cli/",
  "node-forge": "net/auth/x509/",
  "pino": "net/telemetry/log.ts",
  "yaml": "cli/config_file.ts",
};

export function checkImports(files: readonly SourceFile[]): Violation[] {
  const doors = new Map<string, string>();
  return files.flatMap((file) =>
    importsOf(file.text).flatMap((found) => {
      const reason = found.specifier.startsWith(".")
        ? internalReason(file.path, found)
        : externalReason(file.path, found, doors);
      if (reason === undefined) return [];
      const text = `imports ${found.specifier}, ${reason}`;
      return [{ path: file.path, line: found.line, text }];
    })
  );
}

function internalReason(path: string, found: Import): string | undefined {
  const target = posix.join(posix.dirname(path), found.specifier);
  const [layer, targetLayer] = [layerOf(path), layerOf(target)];
  if (!(LAYERS[layer] ?? []).includes(targetLayer)) {
    // Data files at the top, such as deno.json, belong to nobody.
    return targetLayer.includes(".") ? undefined : `which ${layer} may not`;
  }
  const [part, targetPart] = [partOf(path), partOf(target)];
  if (
    layer !== targetLayer || targetPart === undefined || part === targetPart
  ) {
    return undefined;
  }
  if (part === undefined) {
    return layer === "cli"
      ? undefined
      : `which files in ${layer}/ itself may not`;
  }
  if (ROOTS.includes(part) || isContract(target, found)) return undefined;
  return (PARTS[part] ?? []).includes(targetPart)
    ? undefined
    : `which ${part} may not`;
}

/** Interfaces in a `types.ts` of net are there for the other parts to meet. */
function isContract(target: string, found: Import): boolean {
  return found.typeOnly && layerOf(target) === "net" &&
    posix.basename(target) === "types.ts";
}

function externalReason(
  path: string,
  found: Import,
  doors: Map<string, string>,
): string | undefined {
  const { specifier } = found;
  if (layerOf(path) === "core") {
    const excepted = path === CORE_EXCEPTION.path &&
      specifier === CORE_EXCEPTION.specifier;
    return excepted ? undefined : "which core may not";
  }
  if (specifier.startsWith("node:")) return undefined;
  const name = packageOf(specifier);
  const door = (Object.hasOwn(DOORS, name) ? DOORS[name] : doors.get(name)) ??
    path;
  doors.set(name, door);
  const inside = door.endsWith("/") ? path.startsWith(door) : path === door;
  return inside ? undefined : `which only ${door} may`;
}

function layerOf(path: string): string {
  return path.split("/")[0] ?? "";
}

/** "core/log" of "core/log/entry.ts"; undefined for "core/errors.ts". */
function partOf(path: string): string | undefined {
  const [layer, part, ...rest] = path.split("/");
  return rest.length === 0 ? undefined : `${layer}/${part}`;
}

function packageOf(specifier: string): string {
  const bare = specifier.replace(/^(npm|jsr):\/?/, "");
  const parts = bare.split("/");
  const name = bare.startsWith("@")
    ? parts.slice(0, 2).join("/")
    : parts[0] ?? "";
  return name.replace(/(?<=.)@.*$/, "");
}

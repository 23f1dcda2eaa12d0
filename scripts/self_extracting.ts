/**
 * An executable without a compiler: a shell script that carries the deno binary
 * and the bundled program, unpacks them once into a cache directory and then
 * becomes deno by `exec`, so that signals, pid and exit code are deno's own.
 * Needs on the target: sh, tail, head, gzip, mktemp. Caller: compile.ts.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { V8_FLAGS } from "../cli/v8_flags.ts";

export interface Contents {
  /** The deno executable of the platform that the result is for. */
  readonly runtime: Uint8Array;
  /** One JavaScript module with everything in it. */
  readonly program: Uint8Array;
  readonly version: string;
}

/** Level 9 takes twice as long and saves 0.4 %. */
const GZIP_LEVEL = 6;
/** The cache directory is named after this many hex digits of the contents. */
const KEY_LENGTH = 16;

/** The bytes of the executable: the script, then both payloads. */
export function selfExtracting(contents: Contents): Uint8Array {
  const runtime = gzipSync(contents.runtime, { level: GZIP_LEVEL });
  const program = gzipSync(contents.program, { level: GZIP_LEVEL });
  const key = createHash("sha256").update(contents.runtime)
    .update(contents.program).digest("hex").slice(0, KEY_LENGTH);
  const scriptWith = (scriptBytes: number) =>
    new TextEncoder().encode(script({
      version: contents.version,
      key,
      scriptBytes,
      runtimeBytes: runtime.length,
      programBytes: program.length,
    }));
  // The script contains its own length: fixed width makes that possible.
  const head = scriptWith(scriptWith(0).length);
  return Buffer.concat([head, runtime, program]);
}

interface Layout {
  readonly version: string;
  readonly key: string;
  readonly scriptBytes: number;
  readonly runtimeBytes: number;
  readonly programBytes: number;
}

const WIDTH = 10;

/** tail counts bytes from 1. */
function script(layout: Layout): string {
  const fixed = (value: number) => String(value).padEnd(WIDTH);
  return `#!/bin/sh
# proglog ${layout.version}: unpacks itself once into a cache directory.
runtime_from=${fixed(layout.scriptBytes + 1)}
runtime_bytes=${fixed(layout.runtimeBytes)}
program_from=${fixed(layout.scriptBytes + layout.runtimeBytes + 1)}
program_bytes=${fixed(layout.programBytes)}
key=${layout.version}-${layout.key}

fail() {
  echo "proglog: cannot unpack itself into $cache: $1. Set PROGLOG_CACHE_DIR to a directory that can be written and executed" >&2
  exit 1
}
# Only a directory of our own may hold what we execute.
usable() {
  mkdir -p "$1" 2>/dev/null && [ ! -h "$1" ] && [ -O "$1" ] && [ -w "$1" ]
}
# Unpacks beside the target and renames: others see all of it or nothing.
unpack() {
  temporary=$(mktemp "$dir/.unpack.XXXXXX") || fail "no temporary file"
  trap 'rm -f "$temporary"' EXIT
  trap 'exit 130' INT TERM HUP
  tail -c "+$2" "$0" | head -c "$3" | gzip -dc > "$temporary" || fail "the disk is full or $0 is damaged"
  chmod "$4" "$temporary" && mv -f "$temporary" "$dir/$1" || fail "no rename"
  trap - EXIT INT TERM HUP
}

prepare() {
  mask=$(umask)
  umask 077
  if [ -z "$cache" ] || ! usable "$dir"; then
    [ -z "\${PROGLOG_CACHE_DIR:-}" ] || fail "it cannot be written"
    cache=\${TMPDIR:-/tmp}/proglog-$(id -u)
    dir=$cache/$key
    usable "$cache" && usable "$dir" || fail "it cannot be written"
  fi
  if [ ! -s "$dir/deno" ]; then
    unpack deno $runtime_from $runtime_bytes 700
    "$dir/deno" --version >/dev/null 2>&1 || fail "programs cannot be executed there"
  fi
  [ -s "$dir/proglog.js" ] || unpack proglog.js $program_from $program_bytes 600
  umask "$mask"
}

if [ -n "\${PROGLOG_CACHE_DIR:-}" ]; then cache=$PROGLOG_CACHE_DIR
elif [ -n "\${XDG_CACHE_HOME:-}" ]; then cache=$XDG_CACHE_HOME/proglog
elif [ -n "\${HOME:-}" ]; then cache=$HOME/.cache/proglog
else cache=
fi
dir=$cache/$key
if [ ! -s "$dir/proglog.js" ] || [ ! -s "$dir/deno" ]; then prepare; fi
export DENO_DIR="$dir/deno_dir" DENO_NO_UPDATE_CHECK=1
exec "$dir/deno" run ${V8_FLAGS} --allow-all --no-prompt --no-config --no-lock --no-remote --no-npm --no-check "$dir/proglog.js" "$@"
exit 1
`;
}

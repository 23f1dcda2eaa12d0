import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { checkTree, formatViolation } from "../../scripts/check_imports.ts";

/** Violations in a tree with these files. */
function violationsOf(files: Record<string, string>): string[] {
  const root = Deno.makeTempDirSync();
  try {
    for (const [path, text] of Object.entries(files)) {
      Deno.mkdirSync(join(root, dirname(path)), { recursive: true });
      Deno.writeTextFileSync(join(root, path), text);
    }
    return checkTree(root).map(formatViolation);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

interface Row {
  readonly name: string;
  readonly path: string;
  readonly text: string;
  /** Nothing: the file is allowed. */
  readonly violation?: string;
}

const ROWS: readonly Row[] = [
  {
    name: "core imports core",
    path: "core/log/a.ts",
    text: 'import { x } from "../errors.ts";\nimport { y } from "./b.ts";',
  },
  {
    name: "core imports net",
    path: "core/a.ts",
    text: '// first\nimport { x } from "../net/x.ts";',
    violation: "core/a.ts:2 imports ../net/x.ts, which core may not",
  },
  {
    name: "net imports cli",
    path: "net/os/a.ts",
    text: 'import type { X } from "../../cli/x.ts";',
    violation: "net/os/a.ts:1 imports ../../cli/x.ts, which net may not",
  },
  {
    name: "the product imports tests",
    path: "cli/a.ts",
    text: 'import "../tests/x.ts";',
    violation: "cli/a.ts:1 imports ../tests/x.ts, which cli may not",
  },
  {
    name: "log imports raft",
    path: "core/log/a.ts",
    text: 'import {\n  x,\n} from "../raft/x.ts";',
    violation: "core/log/a.ts:3 imports ../raft/x.ts, which core/log may not",
  },
  {
    name: "cluster joins log, raft and swim",
    path: "core/cluster/a.ts",
    text:
      'import "../log/x.ts";\nimport "../raft/x.ts";\nexport * from "../swim/x.ts";',
  },
  {
    name: "a part of net reaches for another",
    path: "net/transport/a.ts",
    text: 'const { x } = await import("../rpc/x.ts");',
    violation:
      "net/transport/a.ts:1 imports ../rpc/x.ts, which net/transport may not",
  },
  {
    name: "a part of net meets another in its interfaces",
    path: "net/runtime/a.ts",
    text: 'import type { X } from "../transport/gossip/types.ts";',
  },
  {
    name: "and takes nothing but types from there",
    path: "net/runtime/a.ts",
    text: 'import { x } from "../transport/gossip/types.ts";',
    violation:
      "net/runtime/a.ts:1 imports ../transport/gossip/types.ts, which net/runtime may not",
  },
  {
    name: "the agent joins all parts of net",
    path: "net/agent/a.ts",
    text:
      'import "../rpc/x.ts";\nimport "../transport/x.ts";\nimport "../auth/x.ts";',
  },
  {
    name: "core imports node",
    path: "core/a.ts",
    text: 'import { x } from "node:fs";',
    violation: "core/a.ts:1 imports node:fs, which core may not",
  },
  {
    name: "core imports a package",
    path: "core/a.ts",
    text: 'export { x } from "npm:casbin@5";',
    violation: "core/a.ts:1 imports npm:casbin@5, which core may not",
  },
  {
    name: "crc32.ts is the exception",
    path: "core/crc32.ts",
    text: 'export { crc32 } from "node:zlib";',
  },
  {
    name: "and for zlib only",
    path: "core/crc32.ts",
    text: 'export { x } from "node:fs";',
    violation: "core/crc32.ts:1 imports node:fs, which core may not",
  },
  {
    name: "a package through its door",
    path: "net/auth/authorizer.ts",
    text: 'import { newEnforcer } from "casbin";',
  },
  {
    name: "a package through a wall",
    path: "net/rpc/a.ts",
    text: 'import { newEnforcer } from "casbin";',
    violation:
      "net/rpc/a.ts:1 imports casbin, which only net/auth/authorizer.ts may",
  },
  {
    name: "a folder as a door",
    path: "net/auth/x509/a.ts",
    text: 'import forge from "node-forge";',
  },
  {
    name: "a path inside a package, beside its folder",
    path: "net/client/a.ts",
    text: 'import { x } from "@bufbuild/protobuf/wkt";',
    violation:
      "net/client/a.ts:1 imports @bufbuild/protobuf/wkt, which only net/rpc/ may",
  },
  {
    name: "imports in comments and strings do not count",
    path: "core/a.ts",
    text:
      '/* import "node:fs"; */\n// import "node:fs";\nconst s = `\nDate.now()`;',
  },
  {
    name: "core asks for the time",
    path: "core/a.ts",
    text: "function f() {\n  return Date.now();\n}",
    violation: "core/a.ts:2 uses Date, which core may not",
  },
  {
    name: "core rolls dice",
    path: "core/a.ts",
    text: "const x = Math.random();",
    violation: "core/a.ts:1 uses Math.random, which core may not",
  },
  {
    name: "core sets a timer behind a regular expression with a quote",
    path: "core/a.ts",
    text: "const r = /\"'/;\nsetTimeout(f, 1);",
    violation: "core/a.ts:2 uses setTimeout, which core may not",
  },
  {
    name: "core prints",
    path: "core/a.ts",
    text: "console.log(1);",
    violation: "core/a.ts:1 uses console, which core may not",
  },
  {
    name: "fields of ours with the name of a global",
    path: "core/a.ts",
    text:
      "const y = { process: 1, performance: 2 };\nuse(y.process, this.fetch());",
  },
  {
    name: "net may use the world",
    path: "net/os/a.ts",
    text: "export const now = Date.now();",
  },
  {
    name: "an empty catch",
    path: "net/os/a.ts",
    text: "try {\n  f();\n} catch (error) {\n  // nothing\n}",
    violation: "net/os/a.ts:3 has an empty catch",
  },
  {
    name: "an empty catch of a promise",
    path: "net/os/a.ts",
    text: "f().catch(() => {});",
    violation: "net/os/a.ts:1 has an empty catch",
  },
  {
    name: "a promise to do it later",
    path: "cli/a.ts",
    text: `// ${"TO" + "DO"}: later`,
    violation: `cli/a.ts:1 has a ${"TO" + "DO"}`,
  },
  { name: "400 lines", path: "cli/a.ts", text: "f();\n".repeat(400) },
  {
    name: "401 lines",
    path: "cli/a.ts",
    text: "f();\n".repeat(401),
    violation: "cli/a.ts:401 has 401 lines, and 400 are the most",
  },
];

for (const { name, path, text, violation } of ROWS) {
  Deno.test(`checkTree() judges: ${name}`, () => {
    const expected = violation === undefined ? [] : [violation];
    assert.deepEqual(violationsOf({ [path]: text }), expected);
  });
}

Deno.test("checkTree() lets a package without a door in by one file only", () => {
  const violations = violationsOf({
    "cli/a.ts": 'import x from "cli-progress";',
    "cli/b.ts": 'import x from "cli-progress";',
  });
  assert.deepEqual(violations, [
    "cli/b.ts:1 imports cli-progress, which only cli/a.ts may",
  ]);
});

Deno.test("checkTree() leaves generated code alone", () => {
  assert.deepEqual(
    violationsOf({ "net/rpc/gen/a_pb.ts": 'import "casbin";\n'.repeat(500) }),
    [],
  );
});

Deno.test("checkTree() finds nothing in proglog itself", () => {
  const root = new URL("../..", import.meta.url).pathname;
  assert.deepEqual(checkTree(root).map(formatViolation), []);
});

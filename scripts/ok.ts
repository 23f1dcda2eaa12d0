/**
 * `deno task ok`: the gate before a commit. Format, lint, types, the import law,
 * generated code, and the tests that need nothing but this machine's Deno.
 */
import { finish, runStep, type Step, type StepResult } from "./steps.ts";

const STEPS: readonly Step[] = [
  { name: "format", args: ["fmt", "--check", "--quiet"] },
  { name: "lint", args: ["lint", "--quiet"] },
  { name: "types", args: ["check", "--quiet", "."] },
  { name: "import law", args: ["run", "-A", "scripts/check_imports.ts"] },
  {
    name: "generated code",
    args: ["run", "-A", "scripts/gen_protos.ts", "--check"],
  },
  {
    name: "tests",
    args: [
      "test",
      "-A",
      "--no-check",
      "--parallel",
      "--reporter=dot",
      "tests/core",
      "tests/net",
      "tests/cli",
      "tests/scripts",
      "tests/sim",
    ],
  },
];

const results: StepResult[] = [];
for (const step of STEPS) results.push(await runStep(step));
finish(results);

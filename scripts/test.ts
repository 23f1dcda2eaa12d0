/**
 * `deno task test`: all tests. First those of `deno task ok`; then the
 * executable is made, and whole processes and outside programs are run.
 * A test whose outside program is missing skips and says so by name.
 */
import { join } from "node:path";
import { finish, runStep, type StepResult } from "./steps.ts";

const executable = join(import.meta.dirname ?? ".", "..", "dist", "proglog");

const results: StepResult[] = [];
results.push(
  await runStep({ name: "ok", args: ["run", "-A", "scripts/ok.ts"] }),
);
results.push(
  await runStep({
    name: "executable",
    args: ["run", "-A", "scripts/compile.ts"],
  }),
);
for (const folder of ["tests/interop", "tests/e2e"]) {
  results.push(
    await runStep({
      name: folder,
      args: ["test", "-A", "--no-check", folder],
      env: { PROGLOG_BIN: executable },
    }),
  );
}
finish(results);

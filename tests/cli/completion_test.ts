import assert from "node:assert/strict";
import { completionScript } from "../../cli/completion.ts";
import { buildProgram } from "../../cli/main.ts";

/** What bash would offer for the last of these words. */
async function offered(...words: string[]): Promise<string[]> {
  const script = completionScript(buildProgram(), "bash");
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const { stdout } = await new Deno.Command("bash", {
    args: [
      "-c",
      `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${
        words.length - 1
      }; _proglog; echo "\${COMPREPLY[@]}"`,
    ],
  }).output();
  return new TextDecoder().decode(stdout).trim().split(" ");
}

Deno.test("completionScript() completes verbs, verbs below and options in bash", async () => {
  assert.ok((await offered("proglog", "")).includes("certs"));
  assert.deepEqual(await offered("proglog", "cer"), ["certs"]);
  assert.deepEqual(await offered("proglog", "certs", "i"), ["init", "issue"]);
  assert.deepEqual(await offered("proglog", "certs", "init", "--fo"), [
    "--force",
  ]);
  assert.deepEqual(
    await offered("proglog", "certs", "init", "--force", "--js"),
    ["--json"],
  );
});

Deno.test("completionScript() names every verb for every shell", () => {
  const program = buildProgram();
  for (const shell of ["bash", "zsh", "fish"] as const) {
    const script = completionScript(program, shell);
    for (const command of program.commands) {
      assert.ok(script.includes(command.name()), shell);
    }
  }
  assert.ok(completionScript(program, "zsh").startsWith("#compdef proglog\n"));
});

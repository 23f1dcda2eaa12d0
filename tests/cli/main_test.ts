import assert from "node:assert/strict";
import type { Command } from "commander";
import { buildProgram } from "../../cli/main.ts";
import { VERSION } from "../../net/version.ts";

function verbsBelow(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...verbsBelow(child)]);
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => text += part });
  command.outputHelp();
  return text;
}

Deno.test("buildProgram() gives every verb a summary and an example", () => {
  for (const command of verbsBelow(buildProgram())) {
    const help = helpOf(command);
    assert.notEqual(command.description(), "", command.name());
    assert.match(help, /Examples:\n {2}\$ .*proglog /, command.name());
  }
});

Deno.test("VERSION equals the version in deno.json", () => {
  const config = Deno.readTextFileSync(
    new URL("../../deno.json", import.meta.url),
  );
  assert.equal(VERSION, JSON.parse(config).version);
});

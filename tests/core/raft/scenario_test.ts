/**
 * Runs the files in scenarios/: blocks of commands, "----", the expected trace,
 * an empty line. `UPDATE_SCENARIOS=1` writes what happens into the files: read
 * the diff as you would read code, a wrong expectation is a bug that passes.
 */
import assert from "node:assert/strict";
import { runCommand } from "./support/scenario_commands.ts";
import { ScenarioWorld } from "./support/scenario_world.ts";

const directory = new URL("./scenarios/", import.meta.url);
const isUpdating = Deno.env.get("UPDATE_SCENARIOS") === "1";
const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();

for (const name of names) {
  Deno.test(`Raft follows the scenario ${name}`, () => {
    const file = new URL(name, directory);
    const expected = Deno.readTextFileSync(file);
    const actual = replay(expected);
    if (isUpdating) Deno.writeTextFileSync(file, actual);
    else assert.equal(actual, expected);
  });
}

function replay(text: string): string {
  const world = new ScenarioWorld();
  const blocks = text.trimEnd().split(/\n\n+/);
  return blocks.map((block) => replayBlock(world, block)).join("\n\n") + "\n";
}

function replayBlock(world: ScenarioWorld, block: string): string {
  const [commands = ""] = block.split(/^----$/m);
  for (const line of commands.trimEnd().split("\n")) {
    if (line !== "" && !line.startsWith("#")) runCommand(world, line);
  }
  const output = world.takeOutput();
  if (output.length === 0) return commands.trimEnd();
  return [commands.trimEnd(), "----", ...output].join("\n");
}

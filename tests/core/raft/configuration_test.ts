/**
 * Changes of the configuration as a table, and the history that a truncation
 * goes back in.
 */
import assert from "node:assert/strict";
import { logIndex } from "../../../core/ids.ts";
import {
  applyChange,
  type ConfigurationChange,
  ConfigurationHistory,
  makeConfiguration,
  type Member,
} from "../../../core/raft/configuration.ts";
import { renderConfiguration } from "./support/render.ts";

function member(id: string, role: Member["role"]): Member {
  return { id, name: id, address: `${id}:1`, role };
}

const START = makeConfiguration([
  member("b", "voter"),
  member("c", "learner"),
  member("a", "voter"),
]);

const outcomes: readonly {
  readonly name: string;
  readonly change: ConfigurationChange;
  readonly becomes: string;
}[] = [
  {
    name: "adds a learner in its place",
    change: { kind: "add_learner", member: member("aa", "voter") },
    becomes: "a (aa) b (c)",
  },
  {
    name: "refuses a member that is there",
    change: { kind: "add_learner", member: member("c", "learner") },
    becomes: "already_member",
  },
  {
    name: "makes a learner a voter",
    change: { kind: "promote", id: "c" },
    becomes: "a b c",
  },
  {
    name: "refuses to promote a voter",
    change: { kind: "promote", id: "a" },
    becomes: "no_change",
  },
  {
    name: "removes a voter",
    change: { kind: "remove", id: "a" },
    becomes: "b (c)",
  },
  {
    name: "removes a learner",
    change: { kind: "remove", id: "c" },
    becomes: "a b",
  },
  {
    name: "refuses to remove who is not there",
    change: { kind: "remove", id: "x" },
    becomes: "unknown_member",
  },
  {
    name: "refuses an address that is no news",
    change: { kind: "readdress", id: "a", address: "a:1" },
    becomes: "no_change",
  },
];

for (const { name, change, becomes } of outcomes) {
  Deno.test(`applyChange() ${name}`, () => {
    const result = applyChange(START, change);
    const outcome = result.ok
      ? renderConfiguration(result.configuration)
      : result.reason;
    assert.equal(outcome, becomes);
  });
}

Deno.test("applyChange() keeps the last voter", () => {
  const alone = makeConfiguration([
    member("a", "voter"),
    member("b", "learner"),
  ]);
  const result = applyChange(alone, { kind: "remove", id: "a" });
  assert.deepEqual(result, { ok: false, reason: "last_voter" });
});

Deno.test("applyChange() changes the address and nothing else", () => {
  const result = applyChange(START, {
    kind: "readdress",
    id: "b",
    address: "new:2",
  });
  assert.ok(result.ok);
  const [a, b, c] = result.configuration.members;
  assert.deepEqual([a, c], [START.members[0], START.members[2]]);
  assert.deepEqual(b, { ...member("b", "voter"), address: "new:2" });
});

Deno.test("ConfigurationHistory brings back what was before a truncated one", () => {
  const one = makeConfiguration([member("a", "voter")]);
  const history = new ConfigurationHistory([
    { index: logIndex(1), configuration: one },
  ]);
  history.append({ index: logIndex(5), configuration: START });
  assert.equal(history.latest.configuration, START);
  assert.equal(history.at(logIndex(4)), one);
  assert.equal(history.truncateFrom(logIndex(6)), false);
  assert.equal(history.truncateFrom(logIndex(5)), true);
  assert.equal(history.latest.configuration, one);
});

Deno.test("prune() keeps the configuration of the start of the log", () => {
  const history = new ConfigurationHistory([
    { index: logIndex(1), configuration: { members: [] } },
  ]);
  history.append({ index: logIndex(5), configuration: START });
  history.append({ index: logIndex(9), configuration: START });
  history.prune(logIndex(7));
  assert.equal(history.at(logIndex(4)), undefined);
  assert.equal(history.at(logIndex(7)), START);
});

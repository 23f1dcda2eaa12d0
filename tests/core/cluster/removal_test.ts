/** What `remove` answers: the voters before and after, or why not. */
import assert from "node:assert/strict";
import { findTarget, planRemoval } from "../../../core/cluster/removal.ts";
import type { LeaderView } from "../../../core/cluster/voter_set.ts";
import { logIndex } from "../../../core/ids.ts";
import {
  makeConfiguration,
  type Member,
} from "../../../core/raft/configuration.ts";

const SILENT_MAX = { silentMaxMs: 1_500 };

function member(name: string, role: Member["role"] = "voter"): Member {
  return { id: `id-${name}`, name, address: `${name}:1`, role };
}

/** Node a leads; members in capitals are not heard. */
function leader(text: string, pending: "pending" | "" = ""): LeaderView {
  const names = text.split(" ");
  const members = names.map((name) => member(name.toLowerCase()));
  return {
    id: "id-a",
    configuration: makeConfiguration(members),
    configurationIndex: logIndex(5),
    commitIndex: logIndex(pending === "pending" ? 4 : 5),
    peers: names.slice(1).map((name) => ({
      id: `id-${name.toLowerCase()}`,
      state: "replicate",
      matchIndex: logIndex(5),
      silentMs: name === name.toUpperCase() ? 9_000 : 10,
    })),
  };
}

function inWords(view: LeaderView, name: string): string {
  const plan = planRemoval(view, member(name), SILENT_MAX);
  const { before, after } = plan;
  const sets = [before, after].map((
    { voters, quorum, reachable, faultToleranceLeft },
  ) =>
    `${reachable}/${voters.length} need ${quorum} left ${faultToleranceLeft}`
  );
  return `${sets.join(" -> ")}: ${plan.ok ? "ok" : plan.reason}`;
}

const ROWS: readonly [name: string, actual: () => string, expected: string][] =
  [
    [
      "a dead one of three raises nothing and costs nothing",
      () => inWords(leader("a b C"), "c"),
      "2/3 need 2 left 0 -> 2/2 need 2 left 0: ok",
    ],
    [
      "a living one of three",
      () => inWords(leader("a b c"), "c"),
      "3/3 need 2 left 1 -> 2/2 need 2 left 0: ok",
    ],
    [
      "a living one where another is dead would cost the quorum",
      () => inWords(leader("a b C"), "b"),
      "2/3 need 2 left 0 -> 1/2 need 2 left -1: would_cost_quorum",
    ],
    [
      "nothing can be changed without a quorum",
      () => inWords(leader("a B C"), "c"),
      "1/3 need 2 left -1 -> 1/2 need 2 left -1: no_quorum",
    ],
    [
      "the only voter",
      () => inWords(leader("a"), "a"),
      "1/1 need 1 left 0 -> 1/1 need 1 left 0: last_voter",
    ],
    [
      "another change is under way",
      () => inWords(leader("a b c", "pending"), "c"),
      "3/3 need 2 left 1 -> 2/2 need 2 left 0: change_pending",
    ],
  ];

for (const [name, actual, expected] of ROWS) {
  Deno.test(`planRemoval(): ${name}`, () => assert.equal(actual(), expected));
}

Deno.test("planRemoval() says in words why not", () => {
  const plan = planRemoval(leader("a b C"), member("b"), SILENT_MAX);
  assert.equal(
    plan.ok ? "" : plan.message,
    "Cannot remove node b as of the 2 voters left only 1 can be reached and they need 2: remove an unreachable one first",
  );
});

Deno.test("findTarget() takes an id or a name, and no guess", () => {
  const configuration = makeConfiguration([
    member("a"),
    { ...member("b"), id: "id-b1" },
    { ...member("b"), id: "id-b2" },
  ]);
  assert.equal(findTarget(configuration, "a").kind, "found");
  assert.equal(findTarget(configuration, "id-b2").kind, "found");
  assert.equal(findTarget(configuration, "z").kind, "unknown");
  assert.deepEqual(findTarget(configuration, "b"), {
    kind: "ambiguous",
    ids: ["id-b1", "id-b2"],
  });
});

/**
 * Gossip to membership as a table. A row gives what gossip sees and what Raft
 * knows, and names the one change that follows, if any, and what is reported.
 * Time is 1,000 s; ages are given backwards from there.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { NodeView } from "../../../core/cluster/node_view.ts";
import { reconcile } from "../../../core/cluster/reconcile.ts";
import {
  NO_MEMORY,
  withChange,
} from "../../../core/cluster/reconcile_memory.ts";
import {
  RECONCILE_CONFIG_DEFAULT,
  type ReconcileInput,
  type ReconcileMemory,
} from "../../../core/cluster/reconcile_types.ts";
import { hasQuorum, voterSet } from "../../../core/cluster/voter_set.ts";
import { logIndex } from "../../../core/ids.ts";
import {
  applyChange,
  makeConfiguration,
  type Member,
} from "../../../core/raft/configuration.ts";

const NOW_MS = 1_000_000;
const HOUR_MS = 3_600_000;

/** "b": alive for long, known as b with identity id-b at b:1. */
function node(name: string, over: Partial<NodeView> & { ageMs?: number } = {}) {
  const { ageMs = 60_000, ...rest } = over;
  const view: NodeView = {
    name,
    id: `id-${name}`,
    rpcAddress: `${name}:1`,
    clusterId: "c1",
    status: "alive",
    sinceMs: NOW_MS - ageMs,
    ...rest,
  };
  return view;
}

function member(name: string, over: Partial<Member> = {}): Member {
  return {
    id: `id-${name}`,
    name,
    address: `${name}:1`,
    role: "voter",
    ...over,
  };
}

interface Row {
  readonly name: string;
  readonly gossip: readonly NodeView[];
  readonly members: readonly Member[];
  /** Names of members that Raft does not hear; node a is this node and leads. */
  readonly silent?: readonly string[];
  readonly role?: "leader" | "follower";
  readonly isPending?: boolean;
  readonly conflictedNames?: readonly string[];
  readonly memory?: ReconcileMemory;
  readonly expect: string;
  readonly reports?: readonly string[];
}

const ABC = [member("a"), member("b"), member("c")];
const gossipABC = [node("a"), node("b"), node("c")];

const ROWS: readonly Row[] = [
  {
    name: "nothing to do when gossip and Raft agree",
    gossip: gossipABC,
    members: ABC,
    expect: "none",
  },
  {
    name: "a new living node becomes a learner",
    gossip: [node("a"), node("b")],
    members: [member("a")],
    expect: "add_learner id-b b b:1",
  },
  {
    name: "a node that has not joined a cluster yet is taken in",
    gossip: [node("a"), node("b", { clusterId: "" })],
    members: [member("a")],
    expect: "add_learner id-b b b:1",
  },
  {
    name: "of two new nodes one is added at a time",
    gossip: gossipABC,
    members: [member("a")],
    expect: "add_learner id-b b b:1",
  },
  {
    name: "a node that has just come up is not added yet",
    gossip: [node("a"), node("b", { ageMs: 500 })],
    members: [member("a")],
    expect: "none",
  },
  {
    name: "a node without our tags is nobody",
    gossip: [node("a")],
    members: [member("a")],
    expect: "none",
  },
  {
    name: "a node of another cluster is not taken in",
    gossip: [node("a"), node("x", { clusterId: "c2" })],
    members: [member("a")],
    expect: "none",
    reports: ["other_cluster x"],
  },
  {
    name: "a learner is left to Raft, which makes it a voter",
    gossip: gossipABC,
    members: [member("a"), member("b"), member("c", { role: "learner" })],
    expect: "none",
  },
  {
    name:
      "nobody but the leader changes anything (defect 11: no event is lost)",
    gossip: [...gossipABC, node("d")],
    members: ABC,
    role: "follower",
    expect: "none",
  },
  {
    name: "no change while another is under way",
    gossip: [...gossipABC, node("d")],
    members: ABC,
    isPending: true,
    expect: "none",
  },
  {
    name: "no change without a quorum",
    gossip: [node("a"), node("b", { status: "left" }), node("c")],
    members: ABC,
    silent: ["b", "c"],
    expect: "none",
    reports: ["no_quorum "],
  },
  {
    name: "a member that left is removed",
    gossip: [node("a"), node("b"), node("c", { status: "left" })],
    members: ABC,
    silent: ["c"],
    expect: "remove id-c",
  },
  {
    name: "a member that left a moment ago stays, as it may only restart",
    gossip: [
      node("a"),
      node("b"),
      node("c", { status: "left", ageMs: 29_999 }),
    ],
    members: ABC,
    silent: ["c"],
    expect: "none",
    reports: ["left c"],
  },
  {
    name: "a member that left 30 s ago is removed",
    gossip: [
      node("a"),
      node("b"),
      node("c", { status: "left", ageMs: 30_000 }),
    ],
    members: ABC,
    silent: ["c"],
    expect: "remove id-c",
  },
  {
    name: "a member that left and came back is a voter as before",
    gossip: [node("a"), node("b"), node("c", { ageMs: 100 })],
    members: ABC,
    memory: {
      ...NO_MEMORY,
      goneSinceMs: new Map([["id-c", NOW_MS - 40_000]]),
    },
    expect: "none",
  },
  {
    name: "all the others leave, to restart: nobody is removed",
    gossip: [
      node("a"),
      node("b", { status: "leaving", ageMs: 100 }),
      node("c", { status: "left", ageMs: 2_000 }),
    ],
    members: ABC,
    expect: "none",
    reports: ["left b", "left c"],
  },
  {
    name: "a leader that leaves does not remove itself",
    gossip: [node("a", { status: "leaving" }), node("b"), node("c")],
    members: ABC,
    expect: "none",
    reports: ["left a"],
  },
  {
    name: "one that left is removed at once when another has its place",
    gossip: [
      node("a"),
      node("b"),
      node("c", { status: "left", ageMs: 2_000 }),
      node("d", { rpcAddress: "c:1" }),
    ],
    members: ABC,
    silent: ["c"],
    expect: "remove id-c",
  },
  {
    name: "the last voter stays, also when it leaves",
    gossip: [node("a", { status: "leaving" })],
    members: [member("a")],
    expect: "none",
    reports: ["left a"],
  },
  {
    name: "a removal that would cost the quorum is not made",
    gossip: [
      node("a"),
      node("b", { status: "leaving" }),
      node("c", { status: "failed" }),
    ],
    members: ABC,
    silent: ["c"],
    expect: "none",
    reports: ["would_cost_quorum b", "failed c"],
  },
  {
    name: "a failed member stays (defect 11)",
    gossip: [node("a"), node("b"), node("c", { status: "failed" })],
    members: ABC,
    silent: ["c"],
    expect: "none",
    reports: ["failed c"],
  },
  {
    name: "a failed member is removed after the reap time",
    gossip: [
      node("a"),
      node("b"),
      node("c", { status: "failed", ageMs: 72 * HOUR_MS }),
    ],
    members: ABC,
    silent: ["c"],
    expect: "remove id-c",
  },
  {
    name:
      "one that gossip has forgotten is reaped from when it was missed first",
    gossip: [node("a"), node("b")],
    members: ABC,
    silent: ["c"],
    memory: {
      ...NO_MEMORY,
      goneSinceMs: new Map([["id-c", NOW_MS - 73 * HOUR_MS]]),
    },
    expect: "remove id-c",
  },
  {
    name: "one that gossip does not know yet is not reaped",
    gossip: [node("a"), node("b")],
    members: ABC,
    silent: ["c"],
    expect: "none",
    reports: ["failed c"],
  },
  {
    name: "a member that Raft hears is not gone, whatever gossip says",
    gossip: [
      node("a"),
      node("b"),
      node("c", { status: "failed", ageMs: 100 * HOUR_MS }),
    ],
    members: ABC,
    expect: "none",
  },
  {
    name: "a member at a new address is readdressed",
    gossip: [node("a"), node("b", { rpcAddress: "b:9" }), node("c")],
    members: ABC,
    silent: ["b"],
    expect: "readdress id-b b:9",
  },
  {
    name: "a move is made before a removal",
    gossip: [
      node("a"),
      node("b", { rpcAddress: "b:9" }),
      node("c", { status: "left" }),
    ],
    members: ABC,
    expect: "readdress id-b b:9",
  },
  {
    name: "an identity that comes back under a new name is the same member",
    gossip: [node("a"), node("b2", { id: "id-b" }), node("c")],
    members: ABC,
    expect: "readdress id-b b2:1",
  },
  {
    name: "a wiped node's old identity is removed first",
    gossip: [node("a"), node("b"), node("c", { id: "id-c2" })],
    members: ABC,
    silent: ["c"],
    expect: "remove id-c",
  },
  {
    name: "and then the new one is added",
    gossip: [node("a"), node("b"), node("c", { id: "id-c2" })],
    members: [member("a"), member("b")],
    expect: "add_learner id-c2 c c:1",
  },
  {
    name:
      "another node at a stale member's address: the stale one goes (defect 12)",
    gossip: [
      node("a"),
      node("b"),
      node("c", { status: "failed" }),
      node("d", { rpcAddress: "c:1" }),
    ],
    members: ABC,
    silent: ["c"],
    expect: "remove id-c",
  },
  {
    name: "a member that lives is not pushed out of its address",
    gossip: [node("a"), node("b"), node("d", { rpcAddress: "b:1" })],
    members: [member("a"), member("b")],
    expect: "none",
    reports: ["address_conflict b and d"],
  },
  {
    name: "a second node with the name of a living member is reported",
    gossip: [node("a"), node("b", { id: "id-b2", rpcAddress: "z:1" })],
    members: [member("a"), member("b")],
    expect: "none",
    reports: ["name_conflict b"],
  },
  {
    name: "nothing is changed about a name that two living nodes claim",
    gossip: [node("a"), node("b", { rpcAddress: "b:9" })],
    members: [member("a"), member("b")],
    conflictedNames: ["b"],
    expect: "none",
    reports: ["name_conflict b"],
  },
  {
    name: "a copied data directory is reported, and neither copy is touched",
    gossip: [node("a"), node("b"), node("b2", { id: "id-b" })],
    members: [member("a"), member("b")],
    expect: "none",
    reports: ["id_conflict b and b2"],
  },
  {
    name: "a node that comes and goes waits before it is added again",
    gossip: [node("a"), node("b")],
    members: [member("a")],
    memory: {
      ...NO_MEMORY,
      changes: new Map([["id-b", { count: 3, lastMs: NOW_MS - 19_000 }]]),
    },
    expect: "none",
  },
  {
    name: "and is added when it has waited",
    gossip: [node("a"), node("b")],
    members: [member("a")],
    memory: {
      ...NO_MEMORY,
      changes: new Map([["id-b", { count: 3, lastMs: NOW_MS - 20_000 }]]),
    },
    expect: "add_learner id-b b b:1",
  },
];

function inputOf(row: Omit<Row, "name" | "expect">): ReconcileInput {
  const silent = new Set(row.silent ?? []);
  return {
    nodes: row.gossip,
    conflictedNames: new Set(row.conflictedNames ?? []),
    clusterId: "c1",
    raft: {
      id: "id-a",
      role: row.role ?? "leader",
      configuration: makeConfiguration(row.members),
      configurationIndex: logIndex(9),
      commitIndex: logIndex(row.isPending === true ? 8 : 9),
      peers: row.members.filter(({ id }) => id !== "id-a").map((one) => ({
        id: one.id,
        state: "replicate",
        matchIndex: logIndex(9),
        silentMs: silent.has(one.name) ? 60_000 : 100,
      })),
    },
    nowMs: NOW_MS,
    memory: row.memory ?? NO_MEMORY,
    config: RECONCILE_CONFIG_DEFAULT,
  };
}

function inWords(change: ReturnType<typeof reconcile>["change"]): string {
  switch (change?.kind) {
    case undefined:
      return "none";
    case "add_learner": {
      const { id, name, address } = change.member;
      return `add_learner ${id} ${name} ${address}`;
    }
    case "readdress":
      return `readdress ${change.id} ${change.address}`;
    default:
      return `${change?.kind} ${change?.id}`;
  }
}

for (const row of ROWS) {
  Deno.test(`reconcile(): ${row.name}`, () => {
    const result = reconcile(inputOf(row));
    assert.equal(inWords(result.change), row.expect);
    assert.equal(result.reason === undefined, row.expect === "none");
    assert.deepEqual(
      result.findings.map(({ kind, node }) => `${kind} ${node}`),
      row.reports ?? [],
    );
  });
}

Deno.test("reconcile() remembers since when a member is gone, on every node", () => {
  const failed = node("c", { status: "failed", ageMs: 5_000 });
  const row = { members: ABC, role: "follower" } as const;
  const first = reconcile(
    inputOf({ ...row, gossip: [node("a"), node("b"), failed] }),
  );
  assert.deepEqual([...first.memory.goneSinceMs], [["id-c", NOW_MS - 5_000]]);
  const { memory } = first;
  const forgotten = inputOf({ ...row, gossip: gossipABC.slice(0, 2), memory });
  assert.deepEqual(reconcile(forgotten).memory.goneSinceMs, memory.goneSinceMs);
  const back = inputOf({ ...row, gossip: gossipABC, memory });
  assert.equal(reconcile(back).memory.goneSinceMs.size, 0);
});

Deno.test("withChange() counts additions and moves, not removals", () => {
  const added = withChange(NO_MEMORY, {
    kind: "add_learner",
    member: { id: "b", name: "b", address: "b:1" },
  }, 10);
  const moved = withChange(added, {
    kind: "readdress",
    id: "b",
    address: "b:2",
  }, 20);
  assert.deepEqual([...moved.changes], [["b", { count: 2, lastMs: 20 }]]);
  assert.equal(withChange(moved, { kind: "remove", id: "b" }, 30), moved);
});

Deno.test("reconcile() never takes the quorum away, whatever gossip says", () => {
  const names = ["a", "b", "c", "d", "e"];
  const views = fc.array(
    fc.record({
      name: fc.constantFrom(...names, "x"),
      id: fc.constantFrom(...names.map((name) => `id-${name}`), "id-x"),
      rpcAddress: fc.constantFrom(...names.map((name) => `${name}:1`)),
      clusterId: fc.constantFrom("", "c1", "c2"),
      status: fc.constantFrom("alive", "leaving", "left", "failed"),
      ageMs: fc.constantFrom(0, 5_000, 80 * HOUR_MS),
    }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(
      views,
      fc.subarray(names, { minLength: 1 }),
      fc.subarray(names),
      (gossip, voters, silent) => {
        const input = inputOf({
          gossip: gossip.map(({ name, ageMs, ...rest }) =>
            node(name, { ...rest, ageMs } as Partial<NodeView>)
          ),
          members: ["a", ...voters.filter((name) => name !== "a")]
            .map((name) => member(name)),
          silent,
        });
        const { change } = reconcile(input);
        if (change === undefined) return;
        const isReachable = (id: string) =>
          id === "id-a" || !silent.includes(id.slice(3));
        const { configuration } = input.raft;
        assert.ok(hasQuorum(voterSet(configuration, isReachable)));
        const next = applyChange(configuration, change);
        assert.ok(next.ok, JSON.stringify(change));
        assert.ok(hasQuorum(voterSet(next.configuration, isReachable)));
      },
    ),
  );
});

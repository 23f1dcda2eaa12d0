/** Admin calls about the cluster: with one, without one, and on a follower. */
import assert from "node:assert/strict";
import { ProglogError } from "../../../core/errors.ts";
import { ProglogClient } from "../../../net/client/client.ts";
import type {
  ClusterBackend,
  RaftFacts,
  RemovalFacts,
} from "../../../net/rpc/cluster_backend.ts";
import { statusLines } from "../../../cli/status.ts";
import { removalLines } from "../../../cli/remove.ts";
import { CLIENT, MemoryCluster } from "../../support/memory_cluster.ts";
import { seededRandom } from "../../support/seeded_random.ts";

const BEFORE = {
  voters: ["a", "b", "c"],
  quorum: 2,
  reachableCount: 2,
  faultToleranceLeft: 0,
};
const AFTER = { ...BEFORE, voters: ["a", "b"] };

const REMOVAL: RemovalFacts = {
  id: "id-c",
  name: "c",
  refusal: undefined,
  before: BEFORE,
  after: AFTER,
};

const RAFT: RaftFacts = {
  role: "leader",
  term: 7,
  leaderId: "id-a",
  commitIndex: 90,
  appliedIndex: 89,
  faultToleranceLeft: 0,
  replicas: [
    {
      id: "id-a",
      name: "a",
      address: "a:1",
      role: "voter",
      isLeader: true,
      progress: undefined,
    },
    {
      id: "id-c",
      name: "c",
      address: "c:1",
      role: "voter",
      isLeader: false,
      progress: {
        state: "replicate",
        matchIndex: 80,
        lagRecords: 12,
        lagMs: 2_340.6,
        silentMs: 90,
      },
    },
  ],
};

/** Does nothing but answer, and writes down what it was asked. */
function fakeCluster(name: string, asked: string[]): ClusterBackend {
  return {
    nodeId: `id-${name}`,
    clusterId: "c1",
    members: () => [{
      name: "a",
      address: "10.0.0.1:8401",
      status: "failed",
      tags: { rpc_addr: "a:1" },
      sinceMs: 90_000,
    }],
    raft: () => RAFT,
    transferLeader: ({ log, to }) => {
      asked.push(`${name} transfer ${log} ${to}`);
      return Promise.resolve({ id: "id-b", name: "b" });
    },
    removeNode: ({ node, mode }) => {
      asked.push(`${name} ${mode} ${node}`);
      if (node === "z") {
        return Promise.reject(new ProglogError("not_found", "There is no z"));
      }
      return Promise.resolve(REMOVAL);
    },
    gossipKey: () => assert.fail("not asked"),
  };
}

async function withClient(
  run: (client: ProglogClient, cluster: MemoryCluster) => Promise<void>,
  seed = "b",
): Promise<void> {
  const cluster = new MemoryCluster();
  const client = new ProglogClient({
    addresses: [seed],
    dial: (address) => cluster.node(address).dial(CLIENT),
    clock: cluster.time,
    scheduler: cluster.time,
    random: seededRandom(1),
    timeoutMs: 1_000,
  });
  try {
    await run(client, cluster);
  } finally {
    await client.close();
  }
}

Deno.test("Members lists what gossip knows, and alone the node itself", async () => {
  await withClient(async (client, cluster) => {
    const [alone, ...others] = await client.members();
    assert.equal(alone?.name, "b");
    assert.equal(alone?.status, "alive");
    assert.deepEqual(others, []);
    cluster.node("b").withCluster(fakeCluster("b", []));
    const [member] = await client.members();
    assert.equal(member?.status, "failed");
    assert.equal(member?.sinceMs, 90_000n);
    assert.deepEqual(member?.tags, { rpc_addr: "a:1" });
  });
});

Deno.test("TransferLeader and RemoveNode are done by the leader, once", async () => {
  await withClient(async (client, cluster) => {
    const asked: string[] = [];
    for (const name of ["a", "b"]) {
      cluster.node(name).withCluster(fakeCluster(name, asked));
    }
    // The client does not reach the leader: node b passes the calls on.
    const a = cluster.node("a");
    const dial = a.dial.bind(a);
    a.dial = (peer) =>
      peer.role === "peer"
        ? dial(peer)
        : Promise.reject(new ProglogError("unavailable", "filtered"));
    const leader = await client.transferLeader({ to: "b" });
    assert.equal(leader.leaderName, "b");
    const plan = await client.removeNode({ node: "c", mode: "dry_run" });
    assert.equal(plan.removed, false);
    assert.deepEqual(removalLines(plan), [
      "would remove c (id-c)",
      "before  a, b, c: 2 of 3 voters reachable, 2 needed, 0 more may fail",
      "after   a, b: 2 of 2 voters reachable, 2 needed, 0 more may fail",
    ]);
    assert.equal(
      (await client.removeNode({ node: "c", mode: "remove" })).removed,
      true,
    );
    assert.deepEqual(asked, [
      "a transfer default b",
      "a dry_run c",
      "a remove c",
    ]);
  });
});

Deno.test("RemoveNode of an unknown node is NOT_FOUND", async () => {
  await withClient(async (client, cluster) => {
    cluster.node("a").withCluster(fakeCluster("a", []));
    await assert.rejects(client.removeNode({ node: "z", mode: "remove" }), {
      code: "not_found",
      message: "There is no z",
    });
  }, "a");
});

Deno.test("a node alone says that it has no leadership to hand over", async () => {
  await withClient(async (client) => {
    await assert.rejects(client.transferLeader({}), {
      code: "invalid_argument",
      message: "Cannot hand over leadership as this node runs alone",
    });
  }, "a");
});

Deno.test("GetStatus shows the Raft group, in words too", async () => {
  await withClient(async (client, cluster) => {
    assert.equal((await client.status()).logs[0]?.raft, undefined);
    cluster.node("a").withCluster(fakeCluster("a", []));
    const status = await client.status();
    assert.equal(status.nodeId, "id-a");
    assert.equal(status.clusterId, "c1");
    assert.deepEqual(statusLines(status).slice(-4), [
      "raft      leader in term 7, a at a:1 leads, committed 90, applied 89",
      "          no further voter may fail",
      "          a  a:1  leader",
      "          c  c:1  voter, replicate, 12 records (2.3 s) behind, heard 90 ms ago",
    ]);
  }, "a");
});

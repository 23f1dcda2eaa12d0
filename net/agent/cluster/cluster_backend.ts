/**
 * What operators see and do through any agent: members, replicas, removal,
 * transfer. Implements `ClusterBackend` over gossip and the replicas.
 */
import type { Member as RaftMember } from "../../../core/raft/configuration.ts";
import { RECONCILE_CONFIG_DEFAULT } from "../../../core/cluster/reconcile_types.ts";
import {
  findTarget,
  planRemoval,
  type RemovalPlan,
} from "../../../core/cluster/removal.ts";
import type { VoterSet } from "../../../core/cluster/voter_set.ts";
import { ProglogError } from "../../../core/errors.ts";
import type { MemberView } from "../../../core/swim/serf/events.ts";
import { formatEndpoint } from "../../../core/swim/wire/ip.ts";
import type {
  ClusterBackend,
  GossipKeyFacts,
  KeyOperation,
  MemberFacts,
  RaftFacts,
  RemovalFacts,
  ReplicaFacts,
  VoterSetFacts,
} from "../../rpc/cluster_backend.ts";
import type { Replica } from "../../runtime/replica/replica.ts";
import type { Host } from "../host.ts";

const TRANSFER_TIMEOUT_MS = 5_000;
const TRANSFER_POLL_MS = 20;

export interface ClusterBackendOptions {
  readonly host: Host;
  readonly replicas: ReadonlyMap<string, Replica>;
  readonly members: () => readonly MemberView[];
  readonly clusterId: () => string;
  readonly gossipKey: (
    request: { operation: KeyOperation; key: string },
  ) => Promise<GossipKeyFacts>;
}

export function createClusterBackend(
  options: ClusterBackendOptions,
): ClusterBackend {
  const { replicas, host } = options;
  return {
    nodeId: anyReplica(replicas).nodeId,
    get clusterId() {
      return options.clusterId();
    },
    members: () => {
      const nowMs = host.clock.monotonicMs();
      return options.members().map((member) => memberFacts(member, nowMs));
    },
    raft: (log) => {
      const replica = replicas.get(log);
      return replica === undefined ? undefined : raftFacts(replica);
    },
    transferLeader: ({ log, to }) =>
      transferLeader(findReplica(replicas, log), to, host),
    removeNode: (request) => removeNode(anyReplica(replicas), request),
    gossipKey: (request) => options.gossipKey(request),
  };
}

function memberFacts(member: MemberView, nowMs: number): MemberFacts {
  const { name, status, tags, sinceMs } = member;
  return {
    name,
    address: formatEndpoint(member),
    status,
    tags,
    sinceMs: Math.max(0, nowMs - sinceMs),
  };
}

function raftFacts(replica: Replica): RaftFacts {
  const status = replica.status();
  return {
    role: status.role,
    term: status.term,
    leaderId: status.leaderId,
    commitIndex: status.commitIndex,
    appliedIndex: status.appliedIndex,
    faultToleranceLeft: status.faultToleranceLeft,
    replicas: status.configuration.members.map((member) =>
      replicaFacts(member, status)
    ),
  };
}

function replicaFacts(
  member: RaftMember,
  status: ReturnType<Replica["status"]>,
): ReplicaFacts {
  const follower = status.followers.find(({ id }) => id === member.id);
  return {
    id: member.id,
    name: member.name,
    address: member.address,
    role: member.role,
    isLeader: member.id === status.leaderId,
    progress: follower,
  };
}

async function transferLeader(
  replica: Replica,
  to: string | undefined,
  host: Host,
): Promise<{ id: string; name: string }> {
  const { configuration, followers } = leaderStatus(replica);
  const target = to === undefined
    ? followers.toSorted((a, b) => b.matchIndex - a.matchIndex)[0]?.id
    : findMember(configuration, to).id;
  if (target === undefined) {
    throw refusal("Cannot transfer leadership as there is no other voter");
  }
  const outcome = await replica.transferLeadership(target);
  if (!outcome.ok) {
    throw refusal(`Cannot transfer leadership: ${outcome.reason}`);
  }
  return await untilLeader(replica, target, host);
}

async function untilLeader(
  replica: Replica,
  target: string,
  host: Host,
): Promise<{ id: string; name: string }> {
  const endMs = host.clock.monotonicMs() + TRANSFER_TIMEOUT_MS;
  while (replica.leaderId !== target) {
    if (host.clock.monotonicMs() > endMs) {
      throw new ProglogError(
        "unavailable",
        `Node ${target} did not take over in ${TRANSFER_TIMEOUT_MS} ms`,
      );
    }
    await new Promise<void>((resolve) =>
      host.scheduler.after(TRANSFER_POLL_MS, resolve)
    );
  }
  const { members } = replica.status().configuration;
  const name = members.find(({ id }) => id === target)?.name ?? target;
  return { id: target, name };
}

async function removeNode(
  replica: Replica,
  request: { node: string; mode: "dry_run" | "remove" },
): Promise<RemovalFacts> {
  const status = leaderStatus(replica);
  const member = findMember(status.configuration, request.node);
  const plan = planRemoval({ ...status, peers: status.followers }, member, {
    silentMaxMs: RECONCILE_CONFIG_DEFAULT.silentMaxMs,
  });
  if (request.mode === "dry_run") return removalFacts(plan);
  if (!plan.ok) throw refusal(plan.message);
  const outcome = await replica.remove(member.id);
  if (outcome.ok) return removalFacts(plan);
  throw new ProglogError(
    "unavailable",
    `Node ${member.name} was not removed: ${outcome.reason}`,
  );
}

function removalFacts(plan: RemovalPlan): RemovalFacts {
  return {
    id: plan.member.id,
    name: plan.member.name,
    refusal: plan.ok ? undefined : plan.message,
    before: voterFacts(plan.before),
    after: voterFacts(plan.after),
  };
}

function voterFacts(set: VoterSet): VoterSetFacts {
  return {
    voters: set.voters.map(({ name }) => name).sort(),
    quorum: set.quorum,
    reachableCount: set.reachable,
    faultToleranceLeft: set.faultToleranceLeft,
  };
}

function leaderStatus(replica: Replica): ReturnType<Replica["status"]> {
  const status = replica.status();
  if (status.role === "leader") return status;
  throw new ProglogError("not_leader", "Only the leader can do this", {
    details: { outcome: "not_appended" },
  });
}

function findMember(
  configuration: Parameters<typeof findTarget>[0],
  idOrName: string,
): RaftMember {
  const target = findTarget(configuration, idOrName);
  switch (target.kind) {
    case "found":
      return target.member;
    case "unknown":
      throw new ProglogError(
        "not_found",
        `There is no node "${idOrName}" in the cluster`,
      );
    case "ambiguous":
      throw refusal(
        `Several nodes have had the name "${idOrName}": name one by its id, of ${
          target.ids.join(", ")
        }`,
      );
  }
}

function findReplica(
  replicas: ReadonlyMap<string, Replica>,
  log: string,
): Replica {
  const replica = replicas.get(log);
  if (replica !== undefined) return replica;
  throw new ProglogError("not_found", `There is no log "${log}"`);
}

/** Membership is the same for all logs of a node. */
function anyReplica(replicas: ReadonlyMap<string, Replica>): Replica {
  for (const replica of replicas.values()) return replica;
  throw new ProglogError("unavailable", "No log is open yet");
}

function refusal(message: string): ProglogError {
  return new ProglogError("invalid_argument", message);
}

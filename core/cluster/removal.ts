/**
 * What removing a node would do to the voters, and whether that is allowed. The
 * same rule serves the operator's `remove`, its dry run, and reconcile.ts.
 */
import {
  applyChange,
  type Configuration,
  type Member,
  type NodeId,
} from "../raft/configuration.ts";
import {
  hasQuorum,
  type LeaderView,
  reachability,
  type VoterSet,
  voterSet,
} from "./voter_set.ts";

export type RemovalRefusal =
  | "no_quorum"
  | "last_voter"
  | "would_cost_quorum"
  | "change_pending";

export type RemovalPlan =
  & {
    readonly member: Member;
    readonly before: VoterSet;
    readonly after: VoterSet;
  }
  & (
    | { readonly ok: true }
    | {
      readonly ok: false;
      readonly reason: RemovalRefusal;
      /** For the operator. */
      readonly message: string;
    }
  );

export type RemovalTarget =
  | { readonly kind: "found"; readonly member: Member }
  | { readonly kind: "unknown" }
  /** Two identities have had the name: say which by its id. */
  | { readonly kind: "ambiguous"; readonly ids: readonly NodeId[] };

/** The member that an operator means by an id or a name. */
export function findTarget(
  configuration: Configuration,
  idOrName: string,
): RemovalTarget {
  const { members } = configuration;
  const byId = members.find(({ id }) => id === idOrName);
  if (byId !== undefined) return { kind: "found", member: byId };
  const byName = members.filter(({ name }) => name === idOrName);
  const [member] = byName;
  if (member === undefined) return { kind: "unknown" };
  if (byName.length === 1) return { kind: "found", member };
  return { kind: "ambiguous", ids: byName.map(({ id }) => id) };
}

/** The dry run, on the leader. `silentMaxMs`: a member silent for longer is not reachable. */
export function planRemoval(
  leader: LeaderView,
  member: Member,
  { silentMaxMs }: { silentMaxMs: number },
): RemovalPlan {
  const isReachable = reachability(leader, silentMaxMs);
  const before = voterSet(leader.configuration, isReachable);
  const change = applyChange(leader.configuration, {
    kind: "remove",
    id: member.id,
  });
  const after = change.ok
    ? voterSet(change.configuration, isReachable)
    : before;
  const plan = { member, before, after };
  const refuse = (reason: RemovalRefusal, why: string): RemovalPlan => {
    const message = `Cannot remove node ${member.name} as ${why}`;
    return { ...plan, ok: false, reason, message };
  };
  if (!hasQuorum(before)) return refuse("no_quorum", noQuorum(before));
  if (!change.ok) return refuse("last_voter", "it is the only voter");
  if (!hasQuorum(after)) return refuse("would_cost_quorum", wouldCost(after));
  if (leader.configurationIndex > leader.commitIndex) {
    return refuse("change_pending", "another change is under way");
  }
  return { ...plan, ok: true };
}

function noQuorum({ reachable, voters, quorum }: VoterSet): string {
  return `only ${reachable} of ${voters.length} voters can be reached and a change needs ${quorum}`;
}

function wouldCost({ reachable, voters, quorum }: VoterSet): string {
  return `of the ${voters.length} voters left only ${reachable} can be reached and they need ${quorum}: remove an unreachable one first`;
}

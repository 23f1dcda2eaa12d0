/**
 * Who claims to be whom in gossip, and where two living nodes claim the same: a
 * name, an address, an identity. Nothing is changed about those.
 */
import type { NodeId } from "../raft/configuration.ts";
import type { NodeView } from "./node_view.ts";
import type { Finding } from "./reconcile_types.ts";

export interface Claims {
  /** The node with an identity; undefined when there is none, or a conflict. */
  nodeOf(id: NodeId): NodeView | undefined;
  isConflicted(id: NodeId): boolean;
  readonly findings: readonly Finding[];
}

export function claimsOf(
  nodes: readonly NodeView[],
  { conflictedNames }: { conflictedNames: ReadonlySet<string> },
): Claims {
  const present = nodes.filter(({ status }) => status === "alive");
  const findings = [
    ...doubles(present, "id").map(idConflict),
    ...doubles(present, "rpcAddress").map(addressConflict),
    ...nodes.filter(({ name }) => conflictedNames.has(name)).map(nameConflict),
  ];
  const conflicted = new Set(findings.flatMap(({ ids }) => ids));
  const byId = new Map<NodeId, NodeView>();
  for (const node of nodes) {
    // An identity under an old name, gone, does not hide the living one.
    if (byId.get(node.id)?.status !== "alive") byId.set(node.id, node);
  }
  return {
    nodeOf: (id) => conflicted.has(id) ? undefined : byId.get(id),
    isConflicted: (id) => conflicted.has(id),
    findings: findings.map(({ finding }) => finding),
  };
}

interface Conflict {
  readonly ids: readonly NodeId[];
  readonly finding: Finding;
}

/** Groups of two and more that have the same value. */
function doubles(
  nodes: readonly NodeView[],
  key: "id" | "rpcAddress",
): NodeView[][] {
  const groups = Map.groupBy(nodes, (node) => node[key]);
  return [...groups.values()].filter((group) => group.length > 1);
}

function idConflict(group: readonly NodeView[]): Conflict {
  const names = namesOf(group);
  return conflict(
    group,
    "id_conflict",
    `Nodes ${names} have one identity: a data directory was copied`,
  );
}

function addressConflict(group: readonly NodeView[]): Conflict {
  const names = namesOf(group);
  return conflict(
    group,
    "address_conflict",
    `Nodes ${names} claim one address, ${group[0]?.rpcAddress}`,
  );
}

function nameConflict(node: NodeView): Conflict {
  return conflict(
    [node],
    "name_conflict",
    `Two living nodes have the name ${node.name}`,
  );
}

function conflict(
  group: readonly NodeView[],
  kind: Finding["kind"],
  text: string,
): Conflict {
  const ids = group.map(({ id }) => id);
  return { ids, finding: { kind, node: namesOf(group), text } };
}

function namesOf(group: readonly NodeView[]): string {
  return group.map(({ name }) => name).join(" and ");
}

/**
 * A node loses its disk, and the operator replaces it: the newcomer is added,
 * then the old identity removed. Goes on until it is done, also in calm weather.
 */
import type { ReplicaCluster } from "./replica_cluster.ts";
import { memberOf } from "./replica_cluster.ts";
import type { ReplicaNode } from "./replica_node.ts";

const RETRY_MS = 100;

export function planWipe(cluster: ReplicaCluster, atMs: number): void {
  if (!Number.isFinite(atMs)) return;
  const random = cluster.random.fork();
  cluster.events.after(atMs, () => {
    const id = random.pick([...cluster.nodes.keys()]);
    const newId = cluster.wipe(id);
    cluster.note(`${id} loses its disk and is ${newId} now`);
    cluster.saw("wipe");
    replace(cluster, { id, newId });
  });
}

export function replace(
  cluster: ReplicaCluster,
  ids: { id: string; newId: string },
): void {
  const leaders = [...cluster.nodes.values()].filter((node) =>
    cluster.isReachable(node) && node.replica?.isLeader
  );
  if (leaders.some((leader) => isDone(leader, ids))) {
    return cluster.saw("replacement");
  }
  for (const { replica } of leaders) {
    const members = replica?.status().configuration.members ?? [];
    const isAdded = members.some(({ id }) => id === ids.newId);
    const changing = isAdded
      ? replica?.remove(ids.id)
      : replica?.addLearner(memberOf(ids.newId));
    changing?.catch(() => cluster.saw("change_ended"));
  }
  cluster.events.after(RETRY_MS, () => replace(cluster, ids));
}

/** A leader may still lose a change that is not committed. */
function isDone(
  { replica }: ReplicaNode,
  ids: { id: string; newId: string },
): boolean {
  const status = replica?.status();
  if (status === undefined) return false;
  const { configuration, configurationIndex, commitIndex } = status;
  const names = configuration.members.map(({ id }) => id);
  return configurationIndex <= commitIndex && names.includes(ids.newId) &&
    !names.includes(ids.id);
}

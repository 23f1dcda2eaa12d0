/**
 * A node loses its disk, and the operator replaces it: the newcomer is added,
 * then the old identity removed. Goes on until it is done, also in calm weather.
 */
import type { Cluster, WipedIdentity } from "./cluster.ts";

const RETRY_MS = 100;

export function planWipe(
  cluster: Cluster,
  plan: { atMs: number; identity: WipedIdentity },
): void {
  const { atMs, identity } = plan;
  if (!Number.isFinite(atMs)) return;
  const random = cluster.random.fork();
  cluster.events.after(atMs, () => {
    const id = random.pick([...cluster.nodes.keys()]);
    const newId = cluster.wipe(id, identity);
    cluster.note(`${id} loses its disk and is ${newId} now`);
    cluster.coverage.saw("wipe");
    if (newId !== id) replace(cluster, { id, newId });
  });
}

function replace(cluster: Cluster, ids: { id: string; newId: string }): void {
  const isMember = (id: string): boolean =>
    leaders(cluster).some(({ raft }) =>
      raft.configuration.members.some((member) => member.id === id)
    );
  if (isDone(cluster, ids)) {
    return cluster.coverage.saw("replacement");
  }
  for (const { id: leaderId } of leaders(cluster)) {
    cluster.call(leaderId, ({ raft }) => {
      const id = ids.newId;
      raft.proposeConfigurationChange(
        isMember(id)
          ? { kind: "remove", id: ids.id }
          : { kind: "add_learner", member: { id, name: id, address: id } },
      );
    });
  }
  cluster.events.after(RETRY_MS, () => replace(cluster, ids));
}

/** A leader may still lose a change that is not committed. */
function isDone(cluster: Cluster, ids: { id: string; newId: string }): boolean {
  return leaders(cluster).some(({ raft }) => {
    const { configuration, configurationIndex, commitIndex } = raft.status;
    const names = configuration.members.map(({ id }) => id);
    return configurationIndex <= commitIndex && names.includes(ids.newId) &&
      !names.includes(ids.id);
  });
}

function leaders(cluster: Cluster) {
  return [...cluster.nodes.values()].map(({ node }) => node)
    .filter(({ raft }) => raft.status.role === "leader");
}

/**
 * The first thing that an agent does when it stops: another node leads, as long
 * as everything here still serves and gossip tells of us as alive.
 */
import { nodesOf } from "../../../core/cluster/node_view.ts";
import { isProglogError } from "../../../core/errors.ts";
import type { MemberView } from "../../../core/swim/serf/events.ts";
import type { Replica } from "../../runtime/replica/replica.ts";
import type { Host } from "../host.ts";
import type { Part } from "../parts.ts";

export interface HandOverPartOptions {
  readonly host: Pick<Host, "logger" | "clock">;
  readonly replicas: () => Iterable<Replica>;
  readonly members: () => readonly MemberView[];
}

export function handOverPart(options: HandOverPartOptions): Part {
  return {
    name: "hand over",
    start: () => Promise.resolve(),
    stop: async () => {
      const replicas = [...options.replicas()];
      await Promise.all(replicas.map((replica) => handOver(replica, options)));
    },
  };
}

/** Never rejects for a log that has failed: then there is nothing to hand over. */
async function handOver(
  replica: Replica,
  { host, members }: HandOverPartOptions,
): Promise<void> {
  const { clock, logger } = host;
  const startedMs = clock.monotonicMs();
  // Who is about to stop, too, would only have to do the same.
  const avoid = new Set(
    nodesOf(members()).filter(({ status }) => status !== "alive")
      .map(({ id }) => id),
  );
  try {
    const outcome = await replica.handOver(avoid);
    if (outcome === "not_leader" || outcome === "nobody") return;
    const fields = {
      leader_id: replica.leaderId ?? "none",
      took_ms: Math.round(clock.monotonicMs() - startedMs),
    };
    if (outcome === "handed_over") {
      logger.info("handed leadership over", fields);
    } else logger.warn("nobody took leadership over", fields);
  } catch (error) {
    if (!isProglogError(error, "unavailable")) throw error;
  }
}

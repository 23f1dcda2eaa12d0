/** Serf's three broadcast queues, as one source of gossip for the core. */
import type { BroadcastQueue, PacketBudget } from "../broadcast_queue.ts";
import type { SerfContext } from "./context.ts";

export function hasBroadcasts(context: SerfContext): boolean {
  return queuesOf(context).some(({ size }) => size > 0);
}

/** In the order in which they are sent: intents, queries, events. */
function queuesOf(context: SerfContext): readonly BroadcastQueue[] {
  return [context.intentQueue, context.queryQueue, context.eventQueue];
}

export function takeBroadcasts(
  context: SerfContext,
  budget: PacketBudget,
): Uint8Array[] {
  const taken: Uint8Array[] = [];
  let { limitBytes, countMax } = budget;
  const { overheadBytes } = budget;
  for (const queue of queuesOf(context)) {
    const limits = { overheadBytes, limitBytes, countMax };
    for (const bytes of queue.take(limits, context.members.size)) {
      limitBytes -= bytes.length + overheadBytes;
      countMax--;
      taken.push(bytes);
    }
  }
  return taken;
}

/** One event of a world of whole nodes, and all that follows from it at once. */
import { settle } from "../../support/virtual_time.ts";
import type { NodeWorld } from "./node_world.ts";

/** False when nothing happens any more before `endMs`. */
export async function step(world: NodeWorld, endMs: number): Promise<boolean> {
  if (!world.events.step(endMs)) return false;
  // One macrotask: all promises have gone on by then.
  await settle();
  while (world.pending.size > 0) {
    await Promise.all(world.pending);
    await settle();
  }
  return true;
}

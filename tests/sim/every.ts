/**
 * Things that happen again and again, at random moments, while `cluster.isStormy`.
 */
import type { Cluster } from "./cluster.ts";
import type { SeededRandom } from "./random.ts";

export function every(
  rhythm: { cluster: Cluster; random: SeededRandom; meanMs: number },
  action: () => void,
): void {
  const { cluster, random, meanMs } = rhythm;
  if (!Number.isFinite(meanMs)) return;
  const next = (): void => {
    const delayMs = random.between({ from: 1, to: 2 * meanMs });
    cluster.events.after(delayMs, () => {
      if (!cluster.isStormy) return;
      action();
      next();
    });
  };
  next();
}

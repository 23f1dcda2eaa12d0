/**
 * How long a suspect has to show that it is alive. Every further member that
 * suspects it too shortens the time, down to a minimum (Lifeguard, section
 * 4.2 "dynamic suspicion timeouts"). Pure: deadlines are numbers.
 */

export interface Suspicion {
  readonly startedAtMs: number;
  /** Confirmations that shorten the time fully. */
  readonly confirmationsWanted: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** Who suspects: the first accuser and those who confirmed. */
  readonly accusers: Set<string>;
  /** When the suspect is dead. */
  deadlineMs: number;
}

export interface SuspicionFigures {
  readonly suspicionMultiplier: number;
  readonly suspicionMaxMultiplier: number;
  readonly probeIntervalMs: number;
}

export function startSuspicion(
  figures: SuspicionFigures,
  input: { from: string; members: number; nowMs: number },
): Suspicion {
  // With too few members to confirm, none is waited for.
  const wanted = figures.suspicionMultiplier - 2;
  const confirmationsWanted = input.members - 2 < wanted ? 0 : wanted;
  const minMs = suspicionMinMs(figures, input.members);
  const maxMs = figures.suspicionMaxMultiplier * minMs;
  return {
    startedAtMs: input.nowMs,
    confirmationsWanted,
    minMs,
    maxMs,
    accusers: new Set([input.from]),
    deadlineMs: input.nowMs + (confirmationsWanted < 1 ? minMs : maxMs),
  };
}

/** Counts `from`; false if it brings nothing new and is not worth gossip. */
export function confirmSuspicion(suspicion: Suspicion, from: string): boolean {
  const { accusers, confirmationsWanted } = suspicion;
  if (accusers.size > confirmationsWanted || accusers.has(from)) return false;
  accusers.add(from);
  suspicion.deadlineMs = suspicion.startedAtMs +
    suspicionTimeoutMs(suspicion, accusers.size - 1);
  return true;
}

/** The shortest time to live of a suspect in a cluster of `members`. */
export function suspicionMinMs(
  figures: SuspicionFigures,
  members: number,
): number {
  const scale = Math.max(1, Math.log10(Math.max(1, members)));
  return figures.suspicionMultiplier * scale * figures.probeIntervalMs;
}

/** Time from the start to the deadline after `confirmations`. */
export function suspicionTimeoutMs(
  suspicion: Pick<Suspicion, "confirmationsWanted" | "minMs" | "maxMs">,
  confirmations: number,
): number {
  const { confirmationsWanted, minMs, maxMs } = suspicion;
  if (confirmationsWanted < 1) return minMs;
  const progress = Math.log(confirmations + 1) /
    Math.log(confirmationsWanted + 1);
  return Math.max(minMs, Math.floor(maxMs - progress * (maxMs - minMs)));
}

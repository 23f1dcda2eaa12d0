/**
 * An agent is an ordered list of parts. They start in order and stop in reverse;
 * a failed start stops what has started. Callers: agent.ts.
 */
export interface Part {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts all parts, or none: a failure stops those that have started. */
export async function startParts(parts: readonly Part[]): Promise<void> {
  const started: Part[] = [];
  try {
    for (const part of parts) {
      await part.start();
      started.push(part);
    }
  } catch (cause) {
    await stopParts(started);
    throw cause;
  }
}

/** Stops in reverse order, all of them, and then throws the first failure. */
export async function stopParts(parts: readonly Part[]): Promise<void> {
  const failures: unknown[] = [];
  for (const part of [...parts].reverse()) {
    try {
      await part.stop();
    } catch (cause) {
      failures.push(cause);
    }
  }
  if (failures.length > 0) throw failures[0];
}

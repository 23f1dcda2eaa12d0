/**
 * Assertions for our own bugs. They stay on in production: a process whose
 * invariants are broken must end before it writes anything else.
 */

/** Throws when a condition that only a bug in proglog can break does not hold. */
export function assert(
  condition: unknown,
  message: string,
): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Ends a `switch` over a union: the compiler proves that no case is left. */
export function unreachable(value: never): never {
  throw new AssertionError(`Unreachable case: ${JSON.stringify(value)}`);
}

/** A bug in proglog itself, never a fault of input, disk or network. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

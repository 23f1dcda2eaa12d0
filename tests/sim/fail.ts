/** How a checker ends a run. */
export class Violation extends Error {
  override readonly name = "Violation";
}

export function fail(message: string): never {
  throw new Violation(message);
}

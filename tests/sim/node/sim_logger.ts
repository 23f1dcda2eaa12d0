/** Log lines of an agent as values: what the trace shows and checkers look at. */
import type { LogFields, Logger } from "../../../net/telemetry/log.ts";

type Take = (message: string, fields: LogFields) => void;

export function simLogger(take: Take, own: LogFields = {}): Logger {
  const line = (message: string, fields: LogFields = {}) =>
    take(message, { ...own, ...fields });
  return {
    debug: () => {},
    info: line,
    warn: line,
    error: line,
    isEnabled: (level) => level !== "debug",
    with: (fields) => simLogger(take, { ...own, ...fields }),
  };
}

/** For one line of the trace. */
export function renderFields(fields: LogFields): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

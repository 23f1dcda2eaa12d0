/**
 * One JSON log line as a line for people:
 * `2030-01-15 10:00:00.000 info  raft: became leader term=3`. Pure.
 * Caller: log.ts.
 */

const LEVEL_WIDTH = 5;

/** Takes and returns a line with its line feed. */
export function textLine(jsonLine: string): string {
  const { time, level, message, part, ...fields } = JSON.parse(jsonLine);
  const head = [
    String(time).replace("T", " ").replace("Z", ""),
    String(level).padEnd(LEVEL_WIDTH),
    visible(part === undefined ? message : `${part}: ${message}`),
  ];
  const tail = Object.entries(fields).map(([name, value]) =>
    `${name}=${textOf(value)}`
  );
  return [...head, ...tail].join(" ") + "\n";
}

/** Control characters as escapes: a message cannot fake a line or a colour. */
function visible(message: string): string {
  return message.replace(
    /\p{Cc}/gu,
    (character) => JSON.stringify(character).slice(1, -1),
  );
}

/** Words stand as they are; all else as JSON, so that a line stays one line. */
function textOf(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=\p{Cc}]+$/u.test(value)) {
    return value;
  }
  return JSON.stringify(value);
}

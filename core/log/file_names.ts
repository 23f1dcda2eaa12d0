/**
 * The names in a log directory. Anything else in it is foreign and refused:
 * it may be a mistyped data directory or data of another program.
 */

import { ProglogError } from "../errors.ts";
import type { Disk } from "../env.ts";
import type { LogIndex } from "../ids.ts";

export const LOCK_FILE_NAME = "lock";
export const CLOSED_MARK_NAME = "closed";

const INDEX_DIGITS = 20;
const NAME_PATTERN = /^(\d{20})\.(segment|index|reset)$/;

export interface LogFiles {
  /** First indexes of the segments, ascending. */
  readonly segments: readonly LogIndex[];
  /** Segments that have an index file. */
  readonly indexes: ReadonlySet<LogIndex>;
  /** First indexes of segments that a reset was about to start. */
  readonly resets: readonly LogIndex[];
}

/** `kind`: a segment, its sparse index, or a segment that a reset prepares. */
export function logFilePath(
  directory: string,
  kind: "segment" | "index" | "reset",
  firstIndex: LogIndex,
): string {
  const digits = String(firstIndex).padStart(INDEX_DIGITS, "0");
  return `${directory}/${digits}.${kind}`;
}

/** Sorts the names in a log directory; refuses foreign ones with `corrupt`. */
export function listLogFiles(disk: Disk, directory: string): LogFiles {
  const segments: LogIndex[] = [];
  const indexes = new Set<LogIndex>();
  const resets: LogIndex[] = [];
  for (const { name, kind } of disk.list(directory)) {
    if (name === LOCK_FILE_NAME || name === CLOSED_MARK_NAME) continue;
    const match = NAME_PATTERN.exec(name);
    const firstIndex = Number(match?.[1]) as LogIndex;
    if (kind !== "file" || !Number.isSafeInteger(firstIndex)) {
      throw foreignFile(directory, name);
    }
    if (match?.[2] === "segment") segments.push(firstIndex);
    else if (match?.[2] === "index") indexes.add(firstIndex);
    else resets.push(firstIndex);
  }
  segments.sort((a, b) => a - b);
  return { segments, indexes, resets };
}

function foreignFile(directory: string, name: string): ProglogError {
  return new ProglogError(
    "corrupt",
    `Cannot open the log in ${directory} as it holds a file that is not ours: ${name}`,
    { details: { file: `${directory}/${name}`, position: 0 } },
  );
}

/** The directory that holds the name of a directory. */
export function parentOf(directory: string): string {
  const end = directory.lastIndexOf("/");
  return end < 0 ? "." : end === 0 ? "/" : directory.slice(0, end);
}

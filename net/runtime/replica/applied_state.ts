/**
 * The state that is not records, as of one entry: who belongs to the cluster,
 * and which requests of which producers are in the log. As a file it is either
 * the base, with which the log begins and which followers are reset to, or a
 * checkpoint, which only shortens the next start.
 *
 *    0  4  magic "pls", version 1
 *    4  4  crc: CRC-32 of bytes 8..end
 *    8  1  reason: 1 trimmed, 2 reset, 3 checkpoint
 *    9  3  reserved, zero
 *   12  4  count of configurations
 *   16  8  index of the entry, or 0
 *   24  8  its term
 *   32  8  offset of the next record
 *   40     configurations: index u64 | length u32 | core/raft/configuration_codec.ts
 *          producers to the end: core/cluster/producer_table.ts
 *
 * Numbers are big-endian. Permanent. Callers: recover.ts, base.ts, checkpoint.ts.
 */
import {
  allocateWindow,
  byteWindow,
  concatBytes,
} from "../../../core/bytes.ts";
import { readU64, writeU64 } from "../../../core/bytes.ts";
import { ProducerTable } from "../../../core/cluster/producer_table.ts";
import { crc32 } from "../../../core/crc32.ts";
import type { Disk } from "../../../core/env.ts";
import { ProglogError } from "../../../core/errors.ts";
import { logIndex, offset, term } from "../../../core/ids.ts";
import type { ConfigurationEntry } from "../../../core/raft/configuration.ts";
import {
  decodeConfiguration,
  encodeConfiguration,
} from "../../../core/raft/configuration_codec.ts";
import type { LogStart } from "../../../core/raft/log_view.ts";

const MAGIC = 0x706c7301;
const HEADER_BYTES = 40;
const REASONS = [undefined, "trimmed", "reset", "checkpoint"] as const;

export interface AppliedState {
  /**
   * "trimmed": the log may still hold entries up to `at`, which are to be
   * dropped. "reset": the log is to begin anew after `at`, if it does not yet.
   */
  readonly reason: "trimmed" | "reset" | "checkpoint";
  readonly at: LogStart;
  /** In index order; the first one was effective at `at` or, in a checkpoint, at the base. */
  readonly configurations: readonly ConfigurationEntry[];
  /** An encoded ProducerTable. */
  readonly producers: Uint8Array;
}

/** The state before the first entry of a new log. */
export function emptyState(): AppliedState {
  return {
    reason: "trimmed",
    at: { index: logIndex(0), term: term(0), nextOffset: offset(0) },
    configurations: [{ index: logIndex(0), configuration: { members: [] } }],
    producers: new ProducerTable().encode(),
  };
}

/** Replaces the file at `path` as a whole, durably. */
export async function saveState(
  disk: Disk,
  file: { readonly directory: string; readonly name: string },
  state: AppliedState,
): Promise<void> {
  const path = `${file.directory}/${file.name}`;
  const bytes = encodeState(state);
  const handle = disk.open(`${path}.new`, "create_or_existing");
  try {
    handle.truncate(0);
    handle.writeAt(bytes, 0);
    await handle.sync();
  } finally {
    handle.close();
  }
  disk.rename(`${path}.new`, path);
  await disk.syncDirectory(file.directory);
}

/** Undefined where there is no file. Throws `corrupt`. */
export function loadState(
  disk: Disk,
  file: { readonly directory: string; readonly name: string },
): AppliedState | undefined {
  const path = `${file.directory}/${file.name}`;
  if (!disk.exists(path)) return undefined;
  const handle = disk.open(path, "existing");
  try {
    const bytes = new Uint8Array(handle.size());
    handle.readAt(bytes, 0);
    return decodeState(bytes, path);
  } finally {
    handle.close();
  }
}

function encodeState(state: AppliedState): Uint8Array {
  const header = allocateWindow(HEADER_BYTES);
  header.view.setUint32(0, MAGIC);
  header.view.setUint8(8, REASONS.indexOf(state.reason));
  header.view.setUint32(12, state.configurations.length);
  writeU64(header.view, 16, state.at.index);
  writeU64(header.view, 24, state.at.term);
  writeU64(header.view, 32, state.at.nextOffset);
  const configurations = state.configurations.flatMap((entry) => {
    const encoded = encodeConfiguration(entry.configuration);
    const head = allocateWindow(12);
    writeU64(head.view, 0, entry.index);
    head.view.setUint32(8, encoded.length);
    return [head.bytes, encoded];
  });
  const { bytes, view } = byteWindow(
    concatBytes([header.bytes, ...configurations, state.producers]),
  );
  view.setUint32(4, crc32(bytes.subarray(8)));
  return bytes;
}

/** What passes the CRC was written by `encodeState`. */
function decodeState(file: Uint8Array, path: string): AppliedState {
  const { bytes, view } = byteWindow(file);
  const isWhole = bytes.length >= HEADER_BYTES &&
    view.getUint32(0) === MAGIC &&
    view.getUint32(4) === crc32(bytes.subarray(8));
  const reason = isWhole ? REASONS[view.getUint8(8)] : undefined;
  if (reason === undefined) {
    throw new ProglogError(
      "corrupt",
      `Cannot read ${path} as its checksum does not match`,
      { details: { file: path, position: 0 } },
    );
  }
  const configurations: ConfigurationEntry[] = [];
  let at = HEADER_BYTES;
  for (let left = view.getUint32(12); left > 0; left--) {
    const end = at + 12 + view.getUint32(at + 8);
    const configuration = decodeConfiguration(bytes.subarray(at + 12, end));
    configurations.push({ index: logIndex(readU64(view, at)), configuration });
    at = end;
  }
  return {
    reason,
    at: {
      index: logIndex(readU64(view, 16)),
      term: term(readU64(view, 24)),
      nextOffset: offset(readU64(view, 32)),
    },
    configurations,
    producers: bytes.slice(at),
  };
}

/**
 * Opens what a replica has on disk, finishes what a crash interrupted, and reads
 * the log once from the last checkpoint on. Everything afterwards is consistent:
 * the log begins at or before the base, and ends at or after what was known to
 * be committed here.
 */
import { assert } from "../../../core/assert.ts";
import { isProglogError, ProglogError } from "../../../core/errors.ts";
import { type LogIndex, logIndex, term } from "../../../core/ids.ts";
import { decodeEntries } from "../../../core/log/decode_entries.ts";
import type { Entry } from "../../../core/log/entry.ts";
import { Log } from "../../../core/log/log.ts";
import type { RecoveryReport } from "../../../core/log/recovery.ts";
import type { NodeId } from "../../../core/raft/configuration.ts";
import type { HardState } from "../../../core/raft/ready.ts";
import { type AppliedState, emptyState, loadState } from "./applied_state.ts";
import { Applier } from "./applier.ts";
import { EntryWaiters } from "./entry_waiters.ts";
import { StateFile, type StoredState } from "./state_file.ts";
import type { ReplicaOptions } from "./types.ts";

export const BASE_NAME = "base";
export const CHECKPOINT_NAME = "checkpoint";

const READ_BYTES = 4 * 1024 * 1024;

export interface Recovered {
  readonly nodeId: NodeId;
  readonly hardState: HardState;
  readonly log: Log;
  readonly stateFile: StateFile;
  readonly base: AppliedState;
  readonly applier: Applier;
  readonly report: RecoveryReport;
}

/** Throws `corrupt`, `locked`, `invalid_argument`, `disk_full`, `disk_failed`. */
export async function recover(options: ReplicaOptions): Promise<Recovered> {
  const { disk, directory } = options;
  disk.makeDirectory(directory);
  const found = StateFile.read(disk, directory);
  const { log, recovery } = await Log.open({
    disk,
    directory: `${directory}/log`,
    random: options.random,
    config: options.config,
    durableIndexMin: found?.commitHint ?? logIndex(0),
    ...(options.logFaults && { faults: options.logFaults }),
  });
  try {
    const stored = found ?? await createState(options, log);
    checkIdentity(options, stored);
    const base = await openBase(options, log);
    const applier = openApplier(options, { log, base, stored });
    const stateFile = await StateFile.open(disk, directory);
    const { nodeId } = stored;
    const hardState = hardStateFor(stored.hardState, log);
    return {
      nodeId,
      hardState,
      log,
      stateFile,
      base,
      applier,
      report: recovery,
    };
  } catch (error) {
    await log.close().catch(() => undefined);
    throw error;
  }
}

/** A log without the votes that were cast for it must not vote again. */
async function createState(
  options: ReplicaOptions,
  log: Log,
): Promise<StoredState> {
  const { disk, directory, random } = options;
  if (log.lastIndex > 0) {
    throw new ProglogError(
      "corrupt",
      `Cannot open ${directory} as it holds a log and the file with its term and vote is missing`,
      { details: { file: `${directory}/state` } },
    );
  }
  const nodeId = options.nodeId ?? drawId(random);
  await StateFile.create(disk, { directory, nodeId });
  const hardState = { term: term(0), votedFor: undefined };
  return { nodeId, hardState, commitHint: logIndex(0) };
}

function drawId(random: ReplicaOptions["random"]): NodeId {
  const part = () => random.nextU32().toString(16).padStart(8, "0");
  return part() + part();
}

function checkIdentity(options: ReplicaOptions, stored: StoredState): void {
  const { nodeId, directory } = options;
  if (nodeId === undefined || nodeId === stored.nodeId) return;
  throw new ProglogError(
    "invalid_argument",
    `Cannot open ${directory} as node ${nodeId} as it belongs to node ${stored.nodeId}`,
  );
}

/** The base, after the reset or trim that it asks for was finished. */
async function openBase(
  { disk, directory }: ReplicaOptions,
  log: Log,
): Promise<AppliedState> {
  const base = loadState(disk, { directory, name: BASE_NAME }) ?? emptyState();
  const { index, term, nextOffset } = base.at;
  if (base.reason === "reset" && log.startPoint.index < index) {
    await log.resetTo({ index, term, offset: nextOffset });
  }
  if (log.startPoint.index <= index && index <= log.lastIndex) {
    await log.dropBefore(logIndex(index + 1));
    return base;
  }
  throw new ProglogError(
    "corrupt",
    `Cannot open ${directory} as its base is at entry ${index} and its log has ${log.firstIndex} to ${log.lastIndex}`,
    { details: { file: `${directory}/${BASE_NAME}` } },
  );
}

/** Reads the log behind the checkpoint, and applies what was committed. */
function openApplier(
  options: ReplicaOptions,
  found: {
    readonly log: Log;
    readonly base: AppliedState;
    readonly stored: StoredState;
  },
): Applier {
  const { log, base, stored } = found;
  const checkpoint = loadCheckpoint(options, log, base);
  const applier = new Applier(checkpoint ?? base, options.replicaFaults);
  const { index } = applier.applied;
  const nobody = new EntryWaiters();
  readEntries(log, { from: logIndex(index + 1) }, (entry) => {
    applier.read(entry);
    // As it goes, so that a long log does not become a long tail.
    if (entry.index > stored.commitHint) return;
    applier.commitTo(entry.index, nobody);
  });
  return applier;
}

/** Undefined where there is none that can be believed of this log. */
function loadCheckpoint(
  { disk, directory }: ReplicaOptions,
  log: Log,
  base: AppliedState,
): AppliedState | undefined {
  const file = { directory, name: CHECKPOINT_NAME };
  try {
    const state = loadState(disk, file);
    if (state === undefined) return undefined;
    const { index } = state.at;
    if (index >= base.at.index && index <= log.lastIndex) return state;
  } catch (error) {
    if (!isProglogError(error, "corrupt")) throw error;
  }
  // It must not come to fit a log that grows past it with other entries.
  disk.remove(`${directory}/${CHECKPOINT_NAME}`);
  return undefined;
}

/** Calls `visit` for every entry from `from` to the end, or to `to`. */
export function readEntries(
  log: Log,
  range: { readonly from: LogIndex; readonly to?: LogIndex },
  visit: (entry: Entry) => void,
): void {
  const end = Math.min(range.to ?? Infinity, log.lastIndex);
  for (let next = range.from; next <= end;) {
    const read = log.entriesFrom({
      from: next,
      bytesMax: READ_BYTES,
      countMax: end - next + 1,
    });
    assert(read !== null, `Entry ${next} is not in the log`);
    const decoded = decodeEntries(read.bytes);
    assert(decoded.ok, "The log returned entries that it did not check");
    for (const entry of decoded.entries) visit(entry);
    next = logIndex(read.lastIndex + 1);
  }
}

/** Entries of a term may be durable where the term itself is not yet. */
function hardStateFor(stored: HardState, log: Log): HardState {
  if (log.lastTerm <= stored.term) return stored;
  return { term: log.lastTerm, votedFor: undefined };
}

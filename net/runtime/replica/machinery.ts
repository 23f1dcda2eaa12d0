/**
 * Builds the parts of a replica and wires them; no behaviour of its own.
 */
import type { Scheduler } from "../../../core/env.ts";
import type { LogIndex } from "../../../core/ids.ts";
import { RAFT_CONFIG_DEFAULT } from "../../../core/raft/config.ts";
import { Raft } from "../../../core/raft/raft.ts";
import { BaseStore } from "./base_store.ts";
import { Checkpoints } from "./checkpoints.ts";
import { EntryWaiters } from "./entry_waiters.ts";
import { HandOver } from "./hand_over.ts";
import { ReplicaLogView } from "./log_view.ts";
import { type BatchProposal, LogWriter } from "./log_writer.ts";
import { Outbox } from "./outbox.ts";
import { ProposalQueue } from "./proposal_queue.ts";
import { ReadBarriers } from "./read_barriers.ts";
import { ReplicaReader } from "./reader.ts";
import type { Recovered } from "./recover.ts";
import { ReadyWorker } from "./ready_worker.ts";
import { ReplicaLoop } from "./replica_loop.ts";
import { ReplicaResetter } from "./resetter.ts";
import { Retention } from "./retention.ts";
import { SyncGroup } from "./sync_group.ts";
import type { ReplicaOptions } from "./types.ts";
import { WriteBlock } from "./write_block.ts";

export interface Hooks {
  readonly onTurn: () => void;
  readonly onFailure: (cause: Error) => void;
}

export interface Machinery {
  readonly loop: ReplicaLoop;
  readonly view: ReplicaLogView;
  readonly queue: ProposalQueue;
  readonly waiters: EntryWaiters;
  readonly barriers: ReadBarriers;
  readonly resetter: ReplicaResetter;
  readonly bases: BaseStore;
  readonly sync: SyncGroup;
  readonly block: WriteBlock;
  readonly retention: Retention;
  readonly checkpoints: Checkpoints;
  readonly handOver: HandOver;
  readonly reader: ReplicaReader;
}

export function assemble(
  given: ReplicaOptions,
  recovered: Recovered,
  hooks: Hooks,
): Machinery {
  const { log, stateFile, applier, base } = recovered;
  const onFailure = (cause: unknown) => hooks.onFailure(asError(cause));
  const scheduler = guarded(given.scheduler, onFailure);
  const options = { ...given, scheduler };
  const wake = () => loop.wake();
  const view = new ReplicaLogView(log, base.at);
  const waiters = new EntryWaiters();
  const queue = new ProposalQueue({ producers: applier.producers, waiters });
  const bases = new BaseStore({ ...options, log, base });
  const block = new WriteBlock({
    ...options,
    onRoom: () => {
      loop.call((raft) => {
        block.end();
        raft.writeRecovered();
      }).catch(() => undefined);
    },
    onUnknown: (cause) =>
      options.watcher.noticed?.(
        "nothing is appended: the free space is not known",
        cause,
      ),
  });
  const { electionTimeoutMs } = { ...RAFT_CONFIG_DEFAULT, ...options.raft };
  const retryMs = electionTimeoutMs;
  const barriers = new ReadBarriers({ ...options, retryMs, wake });
  const losesProducers =
    options.replicaFaults?.has("lose_producers_on_reset") ?? false;
  const resetter = new ReplicaResetter({
    log,
    view,
    applier,
    bases,
    scheduler: options.scheduler,
    losesProducers,
  });
  const reader = new ReplicaReader({ log, view, applier, resetter });
  const sync = new SyncGroup({
    ...options,
    log,
    stateFile,
    onSynced: wake,
    onFailure,
  });
  const outbox = new Outbox({
    network: options.network,
    view,
    base: () => bases.current,
  });
  const worker = new ReadyWorker({
    options,
    term: recovered.hardState.term,
    applier,
    waiters,
    queue,
    barriers,
    writer: new LogWriter({ log, view, applier, clock: options.clock }),
    resetter,
    sync,
    outbox,
    block,
    lastIndex: (): LogIndex => log.lastIndex,
    onReadable: () => reader.wake(),
  });
  const loop = new ReplicaLoop({
    environment: options,
    raft: createRaft(options, recovered, view),
    worker,
    queue,
    barriers,
    sync,
    outbox,
    onTurn: hooks.onTurn,
    onFailure,
  });
  const retention = new Retention({
    options,
    log,
    bases,
    applier,
    view,
    loop,
    onFailure,
  });
  const checkpoints = new Checkpoints({
    options,
    log,
    applier,
    stateFile,
    onFailure,
  });
  return {
    loop,
    view,
    queue,
    waiters,
    barriers,
    resetter,
    bases,
    sync,
    block,
    retention,
    checkpoints,
    handOver: new HandOver({ ...options, loop, electionTimeoutMs }),
    reader,
  };
}

/** Raft as of what is on disk. */
export function createRaft(
  options: ReplicaOptions,
  recovered: Recovered,
  view: ReplicaLogView,
): Raft<BatchProposal> {
  const { nodeId, hardState, applier } = recovered;
  return Raft.create<BatchProposal>({
    id: nodeId,
    logName: options.logName,
    log: view,
    random: options.random,
    nowMs: options.clock.monotonicMs(),
    hardState,
    appliedIndex: applier.applied.index,
    configurations: applier.configurations,
    ...(options.raft && { config: options.raft }),
    ...(options.faults && { faults: options.faults }),
  });
}

/** A bug in a timer ends the replica as one in a turn does, with its cause. */
function guarded(
  scheduler: Scheduler,
  onFailure: (cause: unknown) => void,
): Scheduler {
  return {
    after: (delayMs, callback) =>
      scheduler.after(delayMs, () => {
        try {
          callback();
        } catch (error) {
          onFailure(error);
        }
      }),
  };
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

/**
 * Makes a `Ready` of all that the inputs since the last one have decided. A
 * leader's appends are decided here, so that many proposals go out as one.
 */
import { replicate } from "./replication.ts";
import type { Persist, Ready } from "./ready.ts";
import type { Output, RaftState } from "./state.ts";

/** Undefined when there is nothing to do. */
export function takeReady(
  state: RaftState,
  number: number,
): Ready | undefined {
  if (state.role.kind === "leader") replicate(state, state.role);
  const persist = takePersist(state, number);
  const output = state.output;
  const hasNews = state.commitIndex > state.toldCommitIndex;
  if (persist === undefined && !hasNews && isEmpty(output)) return undefined;
  state.output = makeOutput();
  state.toldCommitIndex = state.commitIndex;
  return { number, persist, committedIndex: state.commitIndex, ...output };
}

export function makeOutput(): Output {
  return { sendNow: [], sendAfterPersist: [], events: [], readStates: [] };
}

function isEmpty(output: Output): boolean {
  return output.sendNow.length === 0 && output.sendAfterPersist.length === 0 &&
    output.events.length === 0 && output.readStates.length === 0;
}

function takePersist(state: RaftState, number: number): Persist | undefined {
  const { lastIndex } = state.entries;
  const change = state.entries.take();
  const hardState = state.isHardStateDirty
    ? { term: state.term, votedFor: state.votedFor }
    : undefined;
  if (change === undefined && hardState === undefined) return undefined;
  state.isHardStateDirty = false;
  state.durability.wrote({
    number,
    sinceMs: state.nowMs,
    hasHardState: hardState !== undefined,
    lastIndex,
  });
  return {
    hardState,
    reset: change?.reset,
    truncateFrom: change?.truncateFrom,
    entries: change?.entries ?? [],
  };
}

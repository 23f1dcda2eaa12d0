/**
 * What the parts of the gossip core share: one record of state, the work it
 * has to hand out, and the interface to the layer above (Serf). The parts are
 * functions over this record; `swim.ts` is the door to them.
 */
import type { Random } from "../env.ts";
import type { BroadcastQueue } from "./broadcast_queue.ts";
import type { SwimTimings } from "./config.ts";
import type { Member, MemberTable } from "./members.ts";
import type { Probe, RelayedProbe } from "./probe.ts";
import type { StreamSession } from "./streams.ts";
import type { Suspicion } from "./suspicion.ts";
import type { Endpoint } from "./wire/ip.ts";
import type { Envelope } from "./wire/packet.ts";

export interface SwimConfig {
  readonly name: string;
  /** What others reach us at: 4 or 16 bytes. */
  readonly advertiseAddress: Uint8Array;
  readonly advertisePort: number;
  readonly timings: SwimTimings;
  readonly envelope: Envelope;
  /** Whether what we send on streams is compressed. */
  readonly streamCompression: "lzw" | "none";
}

/** What the core wants done; the runtime does it in this order. */
export interface Work {
  readonly packets: OutgoingPacket[];
  readonly streams: StreamWork[];
}

export interface OutgoingPacket {
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
}

export type StreamWork =
  /** Connect, then send; the answer comes back under `streamId`. */
  | {
    readonly kind: "open";
    readonly streamId: number;
    readonly to: Endpoint;
    readonly bytes: Uint8Array;
  }
  | {
    readonly kind: "send";
    readonly streamId: number;
    readonly bytes: Uint8Array;
  }
  /** Send what is queued, then close. */
  | { readonly kind: "close"; readonly streamId: number };

/** The layer above: it gives our meta data and hears what happens. */
export interface SwimDelegate {
  meta(): Uint8Array;
  /** Whether the meta data are of one node, which then may have moved. */
  isSameNode(known: Uint8Array, claimed: Uint8Array): boolean;
  hasBroadcasts(): boolean;
  broadcasts(budget: {
    overheadBytes: number;
    limitBytes: number;
    countMax: number;
  }): Uint8Array[];
  onMessage(payload: Uint8Array): void;
  localState(): Uint8Array;
  mergeRemoteState(state: Uint8Array, options: { isJoin: boolean }): void;
  onJoin(member: Member): void;
  onLeave(member: Member): void;
  onUpdate(member: Member): void;
  onConflict(conflict: { known: Member; claimed: Endpoint }): void;
  onExchange(exchange: Exchange): void;
  onNotice(notice: string): void;
}

/** How a push/pull that we began has ended. */
export interface Exchange {
  readonly to: Endpoint;
  readonly isJoin: boolean;
  readonly failure: string | undefined;
}

export interface SwimState {
  readonly config: SwimConfig;
  readonly random: Random;
  readonly delegate: SwimDelegate;
  readonly members: MemberTable;
  readonly queue: BroadcastQueue;
  readonly suspicions: Map<string, Suspicion>;
  readonly relayedProbes: Map<number, RelayedProbe>;
  readonly streams: Map<number, StreamSession>;
  work: Work;
  /** The time of the input that is being handled. */
  nowMs: number;
  /** "leaving": claims that we are dead are true, and not refuted. */
  phase: "running" | "leaving";
  incarnation: number;
  seqNo: number;
  nextStreamId: number;
  /** 0 is healthy; each step makes our own probes more patient. */
  healthScore: number;
  probe: Probe | undefined;
  probeAtMs: number;
  /** When gossip rounds are: this time and every interval after it. */
  readonly gossipPhaseMs: number;
  gossipedAtMs: number;
  pushPullAtMs: number;
}

export function nextSeqNo(state: SwimState): number {
  state.seqNo = (state.seqNo + 1) >>> 0;
  return state.seqNo;
}

/** Changes the health score, from 0 (healthy) to `healthMax` - 1. */
export function adjustHealth(state: SwimState, delta: number): void {
  const highest = state.config.timings.healthMax - 1;
  state.healthScore = Math.min(highest, Math.max(0, state.healthScore + delta));
}

/** Our own entry, which is there from the start on. */
export function ownMember(state: SwimState): Member {
  return state.members.get(state.config.name)!;
}

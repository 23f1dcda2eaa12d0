/**
 * Serf's messages: the payload of memberlist's user messages. First byte the
 * type, then a msgpack map with keys sorted by name. (memberlist-wire 10)
 */
import { MsgpackWriter } from "./msgpack_writer.ts";

/** First byte of a serf message. These numbers are on the wire: permanent. */
export const SERF_TYPE = {
  leave: 0,
  join: 1,
  pushPull: 2,
  userEvent: 3,
  query: 4,
  queryResponse: 5,
  conflictResponse: 6,
  keyRequest: 7,
  keyResponse: 8,
  relay: 9,
} as const;

/** Bits of `Query.flags`: the asker wants to know who got it; do not gossip on. */
export const QUERY_FLAG = { ack: 1, noBroadcast: 2 } as const;
/** Bit of `QueryResponse.flags`: this only says that the query came. */
export const QUERY_RESPONSE_FLAG = { ack: 1 } as const;

export interface JoinIntent {
  readonly kind: "join";
  readonly lamportTime: number;
  readonly node: string;
}

export interface LeaveIntent {
  readonly kind: "leave";
  readonly lamportTime: number;
  readonly node: string;
  /** Whether the member is to be forgotten as well. */
  readonly isPrune: boolean;
}

export interface UserEvent {
  readonly kind: "user_event";
  readonly lamportTime: number;
  readonly name: string;
  readonly payload: Uint8Array;
  /** Whether handlers may merge several of one name. */
  readonly canCoalesce: boolean;
}

export interface Query {
  readonly kind: "query";
  readonly lamportTime: number;
  readonly id: number;
  readonly address: Uint8Array;
  readonly port: number;
  readonly sourceNode: string;
  readonly filters: readonly Uint8Array[];
  readonly flags: number;
  readonly relayFactor: number;
  readonly timeoutMs: number;
  readonly name: string;
  readonly payload: Uint8Array;
}

export interface QueryResponse {
  readonly kind: "query_response";
  readonly lamportTime: number;
  readonly id: number;
  readonly from: string;
  readonly flags: number;
  readonly payload: Uint8Array;
}

/** A serf message to be passed on to a node that the sender cannot reach. */
export interface Relay {
  readonly kind: "relay";
  readonly address: Uint8Array;
  readonly port: number;
  readonly message: Uint8Array;
}

export type SerfMessage =
  | JoinIntent
  | LeaveIntent
  | UserEvent
  | Query
  | QueryResponse
  | Relay;

/** Serf's part of a push/pull. */
export interface SerfState {
  readonly lamportTime: number;
  /** Each member's status time. */
  readonly statusTimes: ReadonlyMap<string, number>;
  readonly leftMembers: readonly string[];
  readonly eventTime: number;
  readonly events: readonly RecentEvents[];
  readonly queryTime: number;
}

/** All user events of one Lamport time. */
export interface RecentEvents {
  readonly lamportTime: number;
  readonly events: readonly {
    readonly name: string;
    readonly payload: Uint8Array;
  }[];
}

const NANOSECONDS_PER_MS = 1_000_000;

export function encodeJoinIntent(intent: Omit<JoinIntent, "kind">): Uint8Array {
  return new MsgpackWriter().byte(SERF_TYPE.join).map(2)
    .text("LTime").integer(intent.lamportTime)
    .text("Node").text(intent.node).finish();
}

export function encodeLeaveIntent(
  intent: Omit<LeaveIntent, "kind">,
): Uint8Array {
  return new MsgpackWriter().byte(SERF_TYPE.leave).map(3)
    .text("LTime").integer(intent.lamportTime)
    .text("Node").text(intent.node)
    .text("Prune").boolean(intent.isPrune).finish();
}

export function encodeUserEvent(event: Omit<UserEvent, "kind">): Uint8Array {
  return new MsgpackWriter().byte(SERF_TYPE.userEvent).map(4)
    .text("CC").boolean(event.canCoalesce)
    .text("LTime").integer(event.lamportTime)
    .text("Name").text(event.name)
    .text("Payload").raw(event.payload).finish();
}

export function encodeQuery(query: Omit<Query, "kind">): Uint8Array {
  const writer = new MsgpackWriter().byte(SERF_TYPE.query).map(11);
  writer.text("Addr").raw(query.address);
  writer.text("Filters").array(query.filters.length);
  for (const filter of query.filters) writer.raw(filter);
  return writer.text("Flags").integer(query.flags)
    .text("ID").integer(query.id)
    .text("LTime").integer(query.lamportTime)
    .text("Name").text(query.name)
    .text("Payload").raw(query.payload)
    .text("Port").integer(query.port)
    .text("RelayFactor").integer(query.relayFactor)
    .text("SourceNode").text(query.sourceNode)
    .text("Timeout").integer(query.timeoutMs * NANOSECONDS_PER_MS).finish();
}

export function encodeQueryResponse(
  response: Omit<QueryResponse, "kind">,
): Uint8Array {
  return new MsgpackWriter().byte(SERF_TYPE.queryResponse).map(5)
    .text("Flags").integer(response.flags)
    .text("From").text(response.from)
    .text("ID").integer(response.id)
    .text("LTime").integer(response.lamportTime)
    .text("Payload").raw(response.payload).finish();
}

/** `message` behind the address of the node it is for. */
export function encodeRelay(
  relay: Omit<Relay, "kind"> & { readonly node: string },
): Uint8Array {
  const writer = new MsgpackWriter().byte(SERF_TYPE.relay).map(2);
  writer.text("DestAddr").map(3);
  writer.text("IP").raw(relay.address);
  writer.text("Port").integer(relay.port).text("Zone").text("");
  return writer.text("DestName").text(relay.node).bytes(relay.message).finish();
}

export function encodeSerfState(state: SerfState): Uint8Array {
  const writer = new MsgpackWriter().byte(SERF_TYPE.pushPull).map(6);
  writer.text("EventLTime").integer(state.eventTime);
  writer.text("Events").array(state.events.length);
  for (const slot of state.events) writeRecentEvents(writer, slot);
  writer.text("LTime").integer(state.lamportTime);
  writer.text("LeftMembers").array(state.leftMembers.length);
  for (const name of state.leftMembers) writer.text(name);
  writer.text("QueryLTime").integer(state.queryTime);
  writer.text("StatusLTimes").map(state.statusTimes.size);
  for (const [name, time] of state.statusTimes) writer.text(name).integer(time);
  return writer.finish();
}

function writeRecentEvents(writer: MsgpackWriter, slot: RecentEvents): void {
  writer.map(2).text("Events").array(slot.events.length);
  for (const event of slot.events) {
    writer.map(2).text("Name").text(event.name);
    writer.text("Payload").raw(event.payload);
  }
  writer.text("LTime").integer(slot.lamportTime);
}

/** What serf tells about itself when two nodes have one name. */
export interface ConflictAnswer {
  readonly name: string;
  readonly address: Uint8Array;
  readonly port: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly versions: Uint8Array;
}

/** Serf's member record; status 1 is alive. */
export function encodeConflictAnswer(member: ConflictAnswer): Uint8Array {
  const [pmin, pmax, pcur, dmin, dmax, dcur] = member.versions;
  const writer = new MsgpackWriter().byte(SERF_TYPE.conflictResponse).map(11);
  writer.text("Addr").raw(member.address);
  writer.text("DelegateCur").integer(dcur ?? 0);
  writer.text("DelegateMax").integer(dmax ?? 0);
  writer.text("DelegateMin").integer(dmin ?? 0);
  writer.text("Name").text(member.name);
  writer.text("Port").integer(member.port);
  writer.text("ProtocolCur").integer(pcur ?? 0);
  writer.text("ProtocolMax").integer(pmax ?? 0);
  writer.text("ProtocolMin").integer(pmin ?? 0);
  writer.text("Status").integer(1);
  const names = Object.keys(member.tags);
  writer.text("Tags").map(names.length);
  for (const name of names) writer.text(name).text(member.tags[name]!);
  return writer.finish();
}

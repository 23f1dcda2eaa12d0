/**
 * Queries: questions to all members, answered by packets to the asker. Those
 * of serf itself (`_serf_...`) are answered here, the rest by the user.
 */
import { QUERY_BYTES_MAX, QUERY_RESPONSE_BYTES_MAX } from "../limits.ts";
import { endpointOf } from "../members.ts";
import { pickSome } from "../random.ts";
import { OUR_VERSIONS } from "../config.ts";
import { parseIp } from "../wire/ip.ts";
import {
  encodeConflictAnswer,
  encodeQuery,
  encodeQueryResponse,
  encodeRelay,
  type Query,
  QUERY_FLAG,
  QUERY_RESPONSE_FLAG,
  type QueryResponse,
} from "../wire/serf_messages.ts";
import { keyOperationOf } from "../wire/serf_keys.ts";
import type { SerfContext } from "./context.ts";
import type { ReceivedQuery } from "./events.ts";
import type { Spread } from "./membership.ts";
import { passesFilters } from "./query_filter.ts";
import type { SendOutcome } from "./user_events.ts";

const INTERNAL_PREFIX = "_serf_";
const CONFLICT_QUERY = "_serf_conflict";
/** From this version on serf passes answers on for others. */
const VERSION_RELAY = 5;
const NO_PAYLOAD = new Uint8Array(0);

export interface QueryRequest {
  readonly name: string;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
  /** Whether members also say that the query came. */
  readonly wantsAcks: boolean;
}

/** Asks all members; answers come as events under the number returned. */
export function sendQuery(
  context: SerfContext,
  request: QueryRequest,
): SendOutcome & { readonly id: number } {
  const id = context.random.nextU32();
  const query: Omit<Query, "kind"> = {
    lamportTime: context.queryClock.time,
    id,
    address: context.advertiseAddress,
    port: context.advertisePort,
    sourceNode: context.name,
    filters: [],
    flags: request.wantsAcks ? QUERY_FLAG.ack : 0,
    relayFactor: 0,
    timeoutMs: request.timeoutMs,
    name: request.name,
    payload: request.payload,
  };
  const bytes = encodeQuery(query);
  if (bytes.length > QUERY_BYTES_MAX) {
    return { ok: false, reason: "too_large", id };
  }
  context.queryClock.increment();
  context.openQueries.set(id, context.nowMs + request.timeoutMs);
  applyQuery(context, query);
  context.queryQueue.push(queryKey(query), bytes);
  return { ok: true, id };
}

export function spreadQuery(context: SerfContext, query: Query): void {
  context.queryQueue.push(queryKey(query), encodeQuery(query));
}

export function applyQuery(
  context: SerfContext,
  query: Omit<Query, "kind">,
): Spread {
  context.queryClock.witness(query.lamportTime);
  const nowTime = context.queryClock.time;
  const { lamportTime } = query;
  if (!context.queryRing.isNew(`${query.id}`, lamportTime, nowTime)) {
    return "stop";
  }
  if (passesFilters(query.filters, context)) answer(context, query);
  return (query.flags & QUERY_FLAG.noBroadcast) === 0 ? "spread" : "stop";
}

export function applyQueryResponse(
  context: SerfContext,
  response: QueryResponse,
): void {
  const { id, from, payload, flags } = response;
  if (!context.openQueries.has(id)) return;
  const isAck = (flags & QUERY_RESPONSE_FLAG.ack) !== 0;
  const kind = isAck ? "query_ack" : "query_response";
  context.events.push({ kind, id, from, payload });
}

/** The user's answer to a query that came as an event. */
export function respond(
  context: SerfContext,
  query: ReceivedQuery,
  payload: Uint8Array,
): SendOutcome | { readonly ok: false; readonly reason: "too_late" } {
  if (context.nowMs > query.deadlineMs) {
    return { ok: false, reason: "too_late" };
  }
  return reply(context, query, { flags: 0, payload });
}

export function tickQueries(context: SerfContext): void {
  for (const [id, deadlineMs] of context.openQueries) {
    if (deadlineMs > context.nowMs) continue;
    context.openQueries.delete(id);
    context.events.push({ kind: "query_done", id });
  }
}

function answer(context: SerfContext, query: Omit<Query, "kind">): void {
  const replyTo = endpointOf(query.address, query.port);
  if (replyTo === undefined) return;
  const { name, payload, id, lamportTime, relayFactor } = query;
  const received: ReceivedQuery = {
    name,
    payload,
    from: query.sourceNode,
    id,
    lamportTime,
    replyTo,
    relayFactor,
    deadlineMs: context.nowMs + query.timeoutMs,
  };
  if ((query.flags & QUERY_FLAG.ack) !== 0) {
    const flags = QUERY_RESPONSE_FLAG.ack;
    reply(context, received, { flags, payload: NO_PAYLOAD });
  }
  if (name === CONFLICT_QUERY) answerConflict(context, received);
  const operation = keyOperationOf(name);
  if (operation !== undefined) {
    context.events.push({ kind: "key_query", operation, query: received });
  }
  if (name.startsWith(INTERNAL_PREFIX)) return;
  context.events.push({ kind: "query", query: received });
}

/** Says whom we know under the name; silent if it is our own: we are a party. */
function answerConflict(context: SerfContext, query: ReceivedQuery): void {
  const name = new TextDecoder().decode(query.payload);
  const member = context.members.get(name);
  if (name === context.name || member === undefined) return;
  const { address, tags, versions } = member;
  const { port } = member.endpoint;
  const payload = encodeConflictAnswer({ name, address, port, tags, versions });
  reply(context, query, { flags: 0, payload });
}

function reply(
  context: SerfContext,
  query: ReceivedQuery,
  content: { flags: number; payload: Uint8Array },
): SendOutcome {
  const { lamportTime, id } = query;
  const from = context.name;
  const bytes = encodeQueryResponse({ lamportTime, id, from, ...content });
  if (bytes.length > QUERY_RESPONSE_BYTES_MAX) {
    return { ok: false, reason: "too_large" };
  }
  context.swim.sendUser(query.replyTo, bytes, context.nowMs);
  relayReply(context, query, bytes);
  return { ok: true };
}

/** The asker may want its answers by further ways, through other members. */
function relayReply(
  context: SerfContext,
  query: ReceivedQuery,
  message: Uint8Array,
): void {
  const address = parseIp(query.replyTo.host);
  if (query.relayFactor === 0 || address === undefined) return;
  const relay = encodeRelay({
    address,
    port: query.replyTo.port,
    node: query.from,
    message,
  });
  const helpers = pickSome(context.random, [...context.members.values()], {
    count: query.relayFactor,
    accepts: (member) =>
      member.status === "alive" && member.name !== context.name &&
      member.name !== query.from &&
      (member.versions[4] ?? OUR_VERSIONS[4]!) >= VERSION_RELAY,
  });
  for (const helper of helpers) {
    context.swim.sendUser(helper.endpoint, relay, context.nowMs);
  }
}

function queryKey(query: Omit<Query, "kind">): string {
  return `${query.lamportTime}/${query.id}`;
}

/**
 * Takes a serf message to the part that it is for, and gossips on what is
 * news.
 */
import { unreachable } from "../../assert.ts";
import { endpointOf } from "../members.ts";
import { formatEndpoint } from "../wire/ip.ts";
import { decodeSerfMessage } from "../wire/serf_decoder.ts";
import type { Relay } from "../wire/serf_messages.ts";
import { notice, type SerfContext } from "./context.ts";
import {
  applyJoinIntent,
  applyLeaveIntent,
  spreadJoin,
  spreadLeave,
} from "./membership.ts";
import { applyQuery, applyQueryResponse, spreadQuery } from "./queries.ts";
import { applyUserEvent, spreadUserEvent } from "./user_events.ts";

export function receiveMessage(
  context: SerfContext,
  payload: Uint8Array,
): void {
  const message = decodeSerfMessage(payload);
  if (message === undefined) {
    return notice(context, `Dropped a serf message of type ${payload[0]}`);
  }
  switch (message.kind) {
    case "join":
      if (applyJoinIntent(context, message) === "spread") {
        spreadJoin(context, message);
      }
      return;
    case "leave":
      if (applyLeaveIntent(context, message) === "spread") {
        spreadLeave(context, message);
      }
      return;
    case "user_event":
      if (applyUserEvent(context, message) === "spread") {
        spreadUserEvent(context, message);
      }
      return;
    case "query":
      if (applyQuery(context, message) === "spread") {
        spreadQuery(context, message);
      }
      return;
    case "query_response":
      return applyQueryResponse(context, message);
    case "relay":
      return passOn(context, message);
    default:
      return unreachable(message);
  }
}

/** Only to members: we are no relay for the rest of the world. */
function passOn(context: SerfContext, relay: Relay): void {
  const to = endpointOf(relay.address, relay.port);
  if (to === undefined) return;
  const text = formatEndpoint(to);
  for (const member of context.members.values()) {
    if (formatEndpoint(member.endpoint) !== text) continue;
    context.swim.sendUser(to, relay.message, context.nowMs);
    return;
  }
}

/** User events: a name and a payload that reach every member once. */
import {
  encodeUserEvent,
  type RecentEvents,
  type UserEvent,
} from "../wire/serf_messages.ts";
import { crc32 } from "../../crc32.ts";
import {
  USER_EVENT_BYTES_MAX,
  USER_EVENT_RECEIVED_BYTES_MAX,
} from "../limits.ts";
import type { SerfContext } from "./context.ts";
import type { Spread } from "./membership.ts";

const textEncoder = new TextEncoder();

export type SendOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: "too_large" };

/** Sends an event to all members, ourselves included. */
export function sendUserEvent(
  context: SerfContext,
  event: { name: string; payload: Uint8Array; canCoalesce: boolean },
): SendOutcome {
  if (eventBytes(event) > USER_EVENT_BYTES_MAX) {
    return { ok: false, reason: "too_large" };
  }
  const lamportTime = context.eventClock.time;
  context.eventClock.increment();
  const message = { ...event, lamportTime };
  applyUserEvent(context, message);
  spreadUserEvent(context, message);
  return { ok: true };
}

export function applyUserEvent(
  context: SerfContext,
  event: Omit<UserEvent, "kind" | "canCoalesce">,
): Spread {
  const { name, payload, lamportTime } = event;
  context.eventClock.witness(lamportTime);
  if (lamportTime < context.eventTimeMin) return "stop";
  if (eventBytes(event) > USER_EVENT_RECEIVED_BYTES_MAX) return "stop";
  const key = eventKey(event);
  const nowTime = context.eventClock.time;
  if (!context.eventRing.isNew(key, lamportTime, nowTime)) return "stop";
  context.events.push({ kind: "user_event", name, payload, lamportTime });
  return "spread";
}

export function spreadUserEvent(
  context: SerfContext,
  event: Omit<UserEvent, "kind">,
): void {
  const key = `${event.lamportTime}/${eventKey(event)}`;
  context.eventQueue.push(key, encodeUserEvent(event));
}

interface EventContent {
  readonly name: string;
  readonly payload: Uint8Array;
}

/** Checksums and lengths: short, whatever the event holds. */
function eventKey({ name, payload }: EventContent): string {
  const nameBytes = textEncoder.encode(name);
  return [nameBytes, payload].map((bytes) => `${bytes.length}:${crc32(bytes)}`)
    .join("/");
}

function eventBytes({ name, payload }: EventContent): number {
  return textEncoder.encode(name).length + payload.length;
}

/** Events that a peer remembers and that we may have missed. */
export function mergeRecentEvents(
  context: SerfContext,
  slots: readonly RecentEvents[],
): void {
  for (const { lamportTime, events } of slots) {
    for (const event of events) {
      applyUserEvent(context, { ...event, lamportTime });
    }
  }
}

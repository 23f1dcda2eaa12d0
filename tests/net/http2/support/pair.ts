/** Two connection machines wired to each other without sockets, for tests and benchmarks. */
import {
  createClientConnection,
  createServerConnection,
  defaultHttp2Limits,
  type Http2Connection,
  type Http2Event,
  type Http2Limits,
} from "../../../../net/http2/mod.ts";

export interface Pair {
  readonly client: Http2Connection;
  readonly server: Http2Connection;
}

export function makePair(
  limits: { client?: Partial<Http2Limits>; server?: Partial<Http2Limits> } = {},
): Pair {
  const client = createClientConnection({
    limits: { ...defaultHttp2Limits, ...limits.client },
    nowMs: 0,
  });
  const server = createServerConnection({
    limits: { ...defaultHttp2Limits, ...limits.server },
    nowMs: 0,
  });
  return { client, server };
}

/** A pair that has exchanged its SETTINGS. */
export function makeOpenPair(
  limits: { client?: Partial<Http2Limits>; server?: Partial<Http2Limits> } = {},
): Pair {
  const pair = makePair(limits);
  settle(pair);
  return pair;
}

/** Carries all output of one side to the other; returns what the other saw. */
export function carry(
  from: Http2Connection,
  to: Http2Connection,
): Http2Event[] {
  return from.takeOutput().flatMap((bytes) => [...to.receive(bytes, 0)]);
}

/** Carries output both ways until there is none; returns what each side saw. */
export function settle(
  pair: Pair,
): { client: Http2Event[]; server: Http2Event[] } {
  const seen = { client: [] as Http2Event[], server: [] as Http2Event[] };
  for (let round = 0; round < 1_000; round++) {
    const toServer = pair.client.takeOutput();
    const toClient = pair.server.takeOutput();
    for (const bytes of toServer) {
      seen.server.push(...copied(pair.server.receive(bytes, 0)));
    }
    for (const bytes of toClient) {
      seen.client.push(...copied(pair.client.receive(bytes, 0)));
    }
    seen.client.push(...pair.client.takeEvents());
    seen.server.push(...pair.server.takeEvents());
    if (toServer.length + toClient.length === 0) return seen;
  }
  throw new Error("The two sides do not come to rest");
}

function copied(events: readonly Http2Event[]): Http2Event[] {
  return events.map((event) =>
    event.kind === "data" ? { ...event, bytes: event.bytes.slice() } : event
  );
}

export const REQUEST_HEAD = [
  [":method", "POST"],
  [":scheme", "https"],
  [":path", "/log.v1.Log/Produce"],
  [":authority", "127.0.0.1:8400"],
  ["te", "trailers"],
  ["content-type", "application/grpc"],
  ["user-agent", "proglog"],
] as const;

export const RESPONSE_HEAD = [
  [":status", "200"],
  ["content-type", "application/grpc"],
] as const;

export const TRAILERS = [["grpc-status", "0"]] as const;

/** Bytes of all data events, in order. */
export function bodyOf(events: readonly Http2Event[]): Uint8Array {
  const parts = events.flatMap((event) =>
    event.kind === "data" ? [event.bytes] : []
  );
  const body = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let position = 0;
  for (const part of parts) {
    body.set(part, position);
    position += part.length;
  }
  return body;
}

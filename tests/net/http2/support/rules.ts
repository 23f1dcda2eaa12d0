/**
 * Rules of RFC 9113 as rows: what a peer sends, and what it gets. After a stream
 * error the connection must still serve the next request.
 */
import assert from "node:assert/strict";
import {
  createServerConnection,
  defaultHttp2Limits,
  type HeaderList,
  type Http2Connection,
  type Http2Event,
  type Http2Limits,
} from "../../../../net/http2/mod.ts";
import { END_HEADERS, END_STREAM } from "../../../../net/http2/frame.ts";
import { REQUEST_HEAD, RESPONSE_HEAD } from "./pair.ts";
import {
  CLIENT_START,
  concat,
  headersFrame,
  pingFrame,
  SETTINGS_ACK,
  takeFrames,
  type Verdict,
  verdictOf,
} from "./wire.ts";

export interface Rule {
  readonly name: string;
  readonly input: readonly Uint8Array[];
  readonly verdict: Verdict;
  readonly limits?: Partial<Http2Limits>;
}

export const FINE: Verdict = { kind: "fine" };
export const NOTHING = new Uint8Array(0);
export const BOTH_ENDS = END_HEADERS | END_STREAM;

export function stream(id: number, code: number): Verdict {
  return { kind: "stream_error", id, code };
}

export function connection(code: number): Verdict {
  return { kind: "connection_error", code };
}

export function without(name: string): HeaderList {
  return REQUEST_HEAD.filter((field) => field[0] !== name);
}

export function request(...more: HeaderList): Uint8Array {
  return headersFrame(1, [...REQUEST_HEAD, ...more], BOTH_ENDS);
}

export function asked(headers: HeaderList): Uint8Array {
  return headersFrame(1, headers, BOTH_ENDS);
}

export const OPEN = headersFrame(1, REQUEST_HEAD);
export const OPEN_AND_ENDED = headersFrame(1, REQUEST_HEAD, BOTH_ENDS);

export function makeServer(limits: Partial<Http2Limits> = {}): Http2Connection {
  const server = createServerConnection({
    limits: { ...defaultHttp2Limits, ...limits },
    nowMs: 0,
  });
  server.receive(concat(CLIENT_START, SETTINGS_ACK), 0);
  server.takeOutput();
  return server;
}

/** One test per rule: a server gets the input and must give the verdict. */
export function testServerRules(rules: readonly Rule[]): void {
  for (const rule of rules) testServerRule(rule);
}

function testServerRule(rule: Rule): void {
  Deno.test(`receive() answers ${rule.name} with ${show(rule.verdict)}`, () => {
    const server = makeServer(rule.limits);
    const events = rule.input.flatMap((bytes) => [...server.receive(bytes, 0)]);
    assert.deepEqual(verdictOf(takeFrames(server)), rule.verdict);
    checkEvents(events, rule.verdict);
    if (rule.verdict.kind === "connection_error") {
      checkEnded(server, rule.verdict.code);
    } else if (rule.limits === undefined) checkServes(server);
  });
}

export function show(verdict: Verdict): string {
  if (verdict.kind === "fine") return "nothing";
  const where = verdict.kind === "stream_error"
    ? `stream ${verdict.id}`
    : "connection";
  return `error ${verdict.code} on the ${where}`;
}

/** The layer above hears of an error once, and of a stream only if it knew it. */
function checkEvents(events: readonly Http2Event[], verdict: Verdict): void {
  const failures = events.filter((event) => event.kind === "connection_error");
  assert.equal(failures.length, verdict.kind === "connection_error" ? 1 : 0);
  if (verdict.kind !== "stream_error") return;
  const isKnown = events.some((event) =>
    event.kind === "headers" && event.streamId === verdict.id
  );
  const resets = events.filter((event) =>
    event.kind === "reset" && event.streamId === verdict.id
  );
  assert.equal(resets.length, isKnown ? 1 : 0);
}

function checkEnded(server: Http2Connection, code: number): void {
  assert.ok(server.isDone, `error ${code} must end the connection`);
  assert.deepEqual(server.receive(pingFrame(), 0), []);
  server.sendHeaders(1, RESPONSE_HEAD, { endStream: true });
  server.ping(1);
  server.goAway(0);
  server.releaseCredit(1, 1);
  assert.deepEqual(server.takeOutput(), []);
  assert.equal(server.openStreamCount, 0);
}

export function checkServes(server: Http2Connection): void {
  const events = server.receive(headersFrame(101, REQUEST_HEAD, BOTH_ENDS), 0);
  assert.deepEqual(events, [
    { kind: "headers", streamId: 101, headers: REQUEST_HEAD, endStream: true },
  ]);
}

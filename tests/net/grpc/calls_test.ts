/** Client and server together, over memory: what each side sees of a call. */
import assert from "node:assert/strict";
import { ProglogError } from "../../../core/errors.ts";
import { Metadata } from "../../../net/grpc/metadata.ts";
import { STATUS, StatusError } from "../../../net/grpc/status.ts";
import type { MethodHandler, ServerCall } from "../../../net/grpc/types.ts";
import { type GrpcPair, makeGrpcPair } from "../../support/grpc_pair.ts";

const text = (value: string) => new TextEncoder().encode(value);
const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function pairWith(
  handler: MethodHandler,
  options: Partial<Parameters<typeof makeGrpcPair>[0]> = {},
): GrpcPair {
  return makeGrpcPair({ ...options, methods: new Map([["/t/M", handler]]) });
}

async function statusOf(promise: Promise<unknown>): Promise<StatusError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return error;
  }
  return assert.fail("the call ended with OK");
}

async function collect(messages: AsyncIterable<Uint8Array>): Promise<string[]> {
  const all: string[] = [];
  for await (const message of messages) all.push(read(message));
  return all;
}

Deno.test("unary() returns the answer, head and trailers", async () => {
  const seen: (string | undefined)[] = [];
  const pair = pairWith({
    kind: "unary",
    handle: (request, call) => {
      seen.push(call.path, call.peer.subject, call.metadata.get("x"));
      call.trailers.append("t", "1");
      return text(`${read(request)}!`);
    },
  });
  let trailers: Metadata | undefined;
  const answer = await pair.client.unary("/t/M", text("hi"), {
    metadata: Metadata.of({ x: "y" }),
    onTrailers: (metadata) => trailers = metadata,
  });
  assert.equal(read(answer), "hi!");
  assert.deepEqual(seen, ["/t/M", "root", "y"]);
  assert.equal(trailers?.get("t"), "1");
  assert.equal(pair.client.callCount, 0);
  assert.equal(pair.server.callCount, 0);
});

Deno.test("unary() hands on the status a handler throws, with details and trailers", async () => {
  const pair = pairWith({
    kind: "unary",
    handle: (_request, call) => {
      call.trailers.append("t", "1");
      throw new StatusError(STATUS.OUT_OF_RANGE, "ä 42", {
        details: new Uint8Array([1, 2]),
        wireCode: 404,
      });
    },
  });
  const error = await statusOf(pair.client.unary("/t/M", text("")));
  assert.equal(error.wireCode, 404);
  assert.equal(error.message, "ä 42");
  assert.deepEqual(error.details, new Uint8Array([1, 2]));
  assert.equal(error.trailers.get("t"), "1");
});

Deno.test("unary() gets INTERNAL without the cause when a handler breaks", async () => {
  const logged: unknown[] = [];
  const pair = pairWith({
    kind: "unary",
    handle: () => Promise.reject(new TypeError("secret")),
  }, { onHandlerError: (error) => logged.push(error) });
  const error = await statusOf(pair.client.unary("/t/M", text("")));
  assert.equal(error.code, STATUS.INTERNAL);
  assert.ok(!error.message.includes("secret"));
  assert.match(String(logged[0]), /secret/);
});

Deno.test("statusOf turns errors of the product into their status", async () => {
  const pair = pairWith({
    kind: "unary",
    handle: () => {
      throw new ProglogError("not_leader", "try n2");
    },
  }, {
    statusOf: (error) =>
      error instanceof ProglogError
        ? new StatusError(STATUS.FAILED_PRECONDITION, error.message)
        : undefined,
    onHandlerError: () => assert.fail("a known error is not logged"),
  });
  const error = await statusOf(pair.client.unary("/t/M", text("")));
  assert.equal(error.code, STATUS.FAILED_PRECONDITION);
});

Deno.test("intercept refuses a call before its handler runs", async () => {
  const intercepted: string[] = [];
  const pair = pairWith({
    kind: "unary",
    handle: () => assert.fail("the handler ran"),
  }, {
    intercept: (call: ServerCall) => {
      intercepted.push(call.path);
      throw new StatusError(STATUS.PERMISSION_DENIED, "no");
    },
  });
  const error = await statusOf(pair.client.unary("/t/M", text("")));
  assert.equal(error.code, STATUS.PERMISSION_DENIED);
  assert.deepEqual(intercepted, ["/t/M"]);
});

Deno.test("onCallEnd tells the code of each call once", async () => {
  const ended: number[] = [];
  const pair = pairWith({
    kind: "unary",
    handle: (request) => {
      if (request.length > 0) return request;
      throw new StatusError(STATUS.ABORTED, "");
    },
  }, { onCallEnd: (_call, code) => ended.push(code) });
  await pair.client.unary("/t/M", text("x"));
  await statusOf(pair.client.unary("/t/M", text("")));
  assert.deepEqual(ended, [STATUS.OK, STATUS.ABORTED]);
});

Deno.test("unary() gets UNIMPLEMENTED for an unknown method", async () => {
  const pair = makeGrpcPair({ methods: new Map() });
  const error = await statusOf(pair.client.unary("/t/None", text("")));
  assert.equal(error.code, STATUS.UNIMPLEMENTED);
  assert.match(error.message, /\/t\/None/);
});

Deno.test("the server refuses a message over its limit and names both sizes", async () => {
  const pair = pairWith({ kind: "unary", handle: (request) => request }, {
    messageSizeMaxBytes: 10,
  });
  const error = await statusOf(pair.client.unary("/t/M", new Uint8Array(11)));
  assert.equal(error.code, STATUS.RESOURCE_EXHAUSTED);
  assert.match(error.message, /11 bytes.*10 bytes/);
});

Deno.test("the client refuses a message over its limit and ends the call", async () => {
  const pair = pairWith({
    kind: "unary",
    handle: () => new Uint8Array(11),
  }, { clientMessageSizeMaxBytes: 10 });
  const error = await statusOf(pair.client.unary("/t/M", text("")));
  assert.equal(error.code, STATUS.RESOURCE_EXHAUSTED);
  assert.equal(pair.client.callCount, 0);
});

Deno.test("gzip is used both ways where asked for", async () => {
  const pair = pairWith({ kind: "unary", handle: (request) => request }, {
    responseCompression: "gzip",
  });
  let head: Metadata | undefined;
  const message = new Uint8Array(100_000).fill(7);
  const answer = await pair.client.unary("/t/M", message, {
    compression: "gzip",
    onHead: (metadata) => head = metadata,
  });
  assert.deepEqual(new Uint8Array(answer), message);
  assert.equal(head?.isEmpty, true);
});

Deno.test("a deadline ends the call on both sides and aborts the signal", async () => {
  let signal: AbortSignal | undefined;
  const pair = pairWith({
    kind: "unary",
    handle: (_request, call) => {
      signal = call.signal;
      return new Promise(() => undefined);
    },
  });
  const call = pair.client.unary("/t/M", text(""), { timeoutMs: 500 });
  const status = statusOf(call);
  while (signal === undefined) await Promise.resolve();
  pair.time.advance(600);
  const error = await status;
  assert.equal(error.code, STATUS.DEADLINE_EXCEEDED);
  assert.equal(signal.aborted, true);
  assert.equal(pair.server.callCount, 0);
});

Deno.test("the signal read after the end is aborted at once", async () => {
  let call: ServerCall | undefined;
  const pair = pairWith({
    kind: "unary",
    handle: (_request, its) => {
      call = its;
      return new Promise(() => undefined);
    },
  });
  const status = statusOf(
    pair.client.unary("/t/M", text(""), { timeoutMs: 500 }),
  );
  while (call === undefined) await Promise.resolve();
  pair.time.advance(600);
  await status;
  assert.equal(call.signal.aborted, true);
});

Deno.test("an aborted signal of the caller cancels the handler", async () => {
  const aborted = Promise.withResolvers<unknown>();
  const started = Promise.withResolvers<void>();
  const pair = pairWith({
    kind: "unary",
    handle: (_request, call) => {
      call.signal.addEventListener(
        "abort",
        () => aborted.resolve(call.signal.reason),
      );
      started.resolve();
      return new Promise(() => undefined);
    },
  });
  const abort = new AbortController();
  const { signal } = abort;
  const status = statusOf(pair.client.unary("/t/M", text(""), { signal }));
  await started.promise;
  abort.abort();
  assert.equal((await status).code, STATUS.CANCELLED);
  const reason = await aborted.promise;
  assert.ok(reason instanceof StatusError);
  assert.equal(reason.code, STATUS.CANCELLED);
});

Deno.test("serverStream() yields all messages, then ends", async () => {
  const pair = pairWith({
    kind: "server_stream",
    handle: async (request, sink) => {
      for (let at = 0; at < request.length; at++) {
        if (!sink.send(text(String(at)))) await sink.drained();
      }
    },
  });
  const messages = pair.client.serverStream("/t/M", new Uint8Array(3));
  assert.deepEqual(await collect(messages), ["0", "1", "2"]);
});

Deno.test("serverStream() yields what came before an error", async () => {
  const pair = pairWith({
    kind: "server_stream",
    handle: (_request, sink) => {
      sink.send(text("a"));
      return Promise.reject(new StatusError(STATUS.DATA_LOSS, "lost"));
    },
  });
  const seen: string[] = [];
  const error = await statusOf((async () => {
    for await (const message of pair.client.serverStream("/t/M", text(""))) {
      seen.push(read(message));
    }
  })());
  assert.deepEqual(seen, ["a"]);
  assert.equal(error.code, STATUS.DATA_LOSS);
});

Deno.test("leaving the loop of serverStream() cancels the handler", async () => {
  const failed = Promise.withResolvers<unknown>();
  const pair = pairWith({
    kind: "server_stream",
    handle: async (_request, sink, call) => {
      sink.send(text("a"));
      await new Promise((resolve) =>
        call.signal.addEventListener("abort", resolve)
      );
      try {
        sink.send(text("b"));
      } catch (error) {
        failed.resolve(error);
      }
    },
  });
  for await (const _message of pair.client.serverStream("/t/M", text(""))) {
    break;
  }
  const error = await failed.promise;
  assert.ok(error instanceof StatusError);
  assert.equal(error.code, STATUS.CANCELLED);
});

Deno.test("a reader that does not read stops the sender, with bounded memory", async () => {
  let sentCount = 0;
  const stopped = Promise.withResolvers<void>();
  const total = 400;
  const pair = pairWith({
    kind: "server_stream",
    handle: async (_request, sink) => {
      for (; sentCount < total; sentCount++) {
        const buffer = new Uint8Array(100_005);
        if (sink.sendWithHeadroom(buffer, 5)) continue;
        stopped.resolve();
        await sink.drained();
      }
    },
  });
  const messages = pair.client.serverStream("/t/M", text(""));
  await stopped.promise;
  for (let turn = 0; turn < 1_000; turn++) await Promise.resolve();
  assert.ok(sentCount < 200, `${sentCount} messages were sent`);
  assert.ok(pair.serverWire.queuedBytes < 4 * 1024 * 1024);
  let count = 0;
  for await (const message of messages) count += message.length / 100_000;
  assert.equal(count, total);
});

Deno.test("clientStream() answers after the last request", async () => {
  const pair = pairWith({
    kind: "client_stream",
    handle: async (requests) => text((await collect(requests)).join("+")),
  });
  const call = pair.client.clientStream("/t/M");
  call.requests.send(text("a"));
  call.requests.send(text("b"));
  call.requests.end();
  assert.equal(read(await call.response), "a+b");
});

Deno.test("clientStream() may be refused before its end", async () => {
  const pair = pairWith({
    kind: "client_stream",
    handle: () => Promise.reject(new StatusError(STATUS.ABORTED, "enough")),
  });
  const call = pair.client.clientStream("/t/M");
  call.requests.send(text("a"));
  assert.equal((await statusOf(call.response)).code, STATUS.ABORTED);
  assert.throws(() => call.requests.send(text("b")), StatusError);
  assert.equal(pair.client.callCount, 0);
});

Deno.test("bidi() answers while requests go on", async () => {
  const pair = pairWith({
    kind: "bidi",
    handle: async (requests, sink) => {
      for await (const request of requests) sink.send(request);
    },
  });
  const call = pair.client.bidi("/t/M");
  call.requests.send(text("a"));
  assert.equal(read((await call.responses.next()).value!), "a");
  call.requests.send(text("b"));
  call.requests.end();
  assert.deepEqual(await collect(call.responses), ["b"]);
});

Deno.test("a handler that does not read stops the client, with bounded memory", async () => {
  const go = Promise.withResolvers<void>();
  const pair = pairWith({
    kind: "client_stream",
    handle: async (requests) => {
      await go.promise;
      let size = 0;
      for await (const request of requests) size += request.length;
      return text(String(size));
    },
  });
  const call = pair.client.clientStream("/t/M");
  let sentCount = 0;
  const sending = (async () => {
    for (; sentCount < 400; sentCount++) {
      if (!call.requests.send(new Uint8Array(100_000))) {
        await call.requests.drained();
      }
    }
    call.requests.end();
  })();
  for (let turn = 0; turn < 5_000; turn++) await Promise.resolve();
  assert.ok(sentCount < 200, `${sentCount} messages were sent`);
  go.resolve();
  await sending;
  assert.equal(read(await call.response), "40000000");
});

Deno.test("calls over the server's stream limit wait and then go on", async () => {
  let open = 0, openMax = 0;
  const pair = pairWith({
    kind: "unary",
    handle: async (request) => {
      openMax = Math.max(openMax, ++open);
      await Promise.resolve();
      open--;
      return request;
    },
  });
  await pair.client.unary("/t/M", text(""));
  const calls = Array.from(
    { length: 3_000 },
    (_, at) => pair.client.unary("/t/M", text(String(at))),
  );
  assert.equal((await Promise.all(calls)).length, 3_000);
  assert.ok(openMax <= 1_024 && openMax > 100, `${openMax} at once`);
});

Deno.test("drain() lets open calls end and refuses new ones as not processed", async () => {
  const go = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const pair = pairWith({
    kind: "unary",
    handle: async (request) => {
      started.resolve();
      await go.promise;
      return request;
    },
  });
  const call = pair.client.unary("/t/M", text("a"));
  await started.promise;
  pair.serverWire.drain();
  while (pair.client.state !== "draining") await Promise.resolve();
  const error = await statusOf(pair.client.unary("/t/M", text("b")));
  assert.equal(error.code, STATUS.UNAVAILABLE);
  assert.equal(error.outcome, "not_processed");
  assert.equal(pair.serverWire.isDone, false);
  go.resolve();
  assert.equal(read(await call), "a");
  assert.equal(pair.serverWire.isDone, true);
});

Deno.test("close() fails open calls as unknown, with the reason, and aborts handlers", async () => {
  const started = Promise.withResolvers<AbortSignal>();
  const pair = pairWith({
    kind: "unary",
    handle: (_request, call) => {
      started.resolve(call.signal);
      return new Promise(() => undefined);
    },
  });
  const status = statusOf(pair.client.unary("/t/M", text("a")));
  const signal = await started.promise;
  const reason = new ProglogError("unavailable", "The wire was cut");
  pair.clientWire.close(reason);
  pair.serverWire.close(reason);
  const error = await status;
  assert.equal(error.code, STATUS.UNAVAILABLE);
  assert.equal(error.outcome, "unknown");
  assert.match(error.message, /The wire was cut/);
  assert.equal(signal.aborted, true);
  assert.equal(pair.client.closedReason, reason);
  assert.equal(pair.server.connectionCount, 0);
});

Deno.test("answers of one turn leave in one output", async () => {
  const waiting: (() => void)[] = [];
  const pair = pairWith({
    kind: "unary",
    handle: (request) =>
      new Promise((resolve) => waiting.push(() => resolve(request))),
  });
  const calls = Array.from(
    { length: 200 },
    () => pair.client.unary("/t/M", text("x")),
  );
  while (waiting.length < 200) await Promise.resolve();
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  pair.isCut = true;
  for (const answer of waiting) answer();
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assert.equal(pair.serverWire.takeOutput().length, 1);
  assert.equal(calls.length, 200);
  pair.clientWire.close(new ProglogError("unavailable", "end of test"));
  await Promise.allSettled(calls);
});

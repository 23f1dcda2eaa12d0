/** Our client against a grpc-js server on Node, over mutual TLS. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { GrpcClient } from "../../net/grpc/client.ts";
import { dialGrpc } from "../../net/grpc/dial.ts";
import { Metadata } from "../../net/grpc/metadata.ts";
import { STATUS, StatusError } from "../../net/grpc/status.ts";
import { createClock, createScheduler } from "../../net/os/clock.ts";
import { startChild } from "../support/child.ts";
import { makeTestCertificates } from "../support/test_certificates.ts";
import { grpcJsEnvironment, here, nodeGrpcJs, testWith } from "./programs.ts";

const at = (name: string) => `/test.v1.Echo/${name}`;
const text = (value: string) => new TextEncoder().encode(value);
const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function statusOf(promise: Promise<unknown>): Promise<StatusError> {
  const error = await promise.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof StatusError, String(error));
  return error;
}

const CHECKS: Record<string, (client: GrpcClient) => Promise<void>> = {
  async "unary call"(client) {
    assert.equal(read(await client.unary(at("Unary"), text("hi"))), "hi");
  },
  async "a message of 16 MiB"(client) {
    const message = new Uint8Array(16 * 1024 * 1024).fill(7);
    const answer = await client.unary(at("Unary"), message);
    assert.deepEqual(answer.length, message.length);
  },
  async "gzip request"(client) {
    const message = new Uint8Array(100_000).fill(7);
    const compression = "gzip";
    const answer = await client.unary(at("Unary"), message, { compression });
    assert.deepEqual(new Uint8Array(answer), message);
  },
  async "error with message, details and trailers"(client) {
    const error = await statusOf(client.unary(at("Fail"), text("")));
    assert.equal(error.code, STATUS.FAILED_PRECONDITION);
    assert.equal(error.message, "no ä");
    assert.deepEqual(error.details, new Uint8Array([8, 9]));
    assert.equal(error.trailers.get("t"), "1");
  },
  async "metadata in bytes"(client) {
    const value = new Uint8Array([0, 255]);
    let head: Metadata | undefined;
    let trailers: Metadata | undefined;
    await client.unary(at("Metadata"), text(""), {
      metadata: Metadata.of({ "k-bin": value }),
      onHead: (metadata) => head = metadata,
      onTrailers: (metadata) => trailers = metadata,
    });
    assert.equal(head?.get("head"), "1");
    assert.deepEqual(trailers?.getBinary("k-bin"), value);
  },
  async "unknown method"(client) {
    const error = await statusOf(client.unary(at("None"), text("")));
    assert.equal(error.code, STATUS.UNIMPLEMENTED);
  },
  async "deadline and cancel"(client) {
    const late = await statusOf(
      client.unary(at("Never"), text(""), { timeoutMs: 50 }),
    );
    assert.equal(late.code, STATUS.DEADLINE_EXCEEDED);
    const signal = AbortSignal.timeout(20);
    const cancelled = await statusOf(
      client.unary(at("Never"), text(""), { signal }),
    );
    assert.equal(cancelled.code, STATUS.CANCELLED);
  },
  async "server stream"(client) {
    let count = 0;
    const messages = client.serverStream(at("ServerStream"), text("10000"));
    for await (const message of messages) {
      const view = new DataView(message.buffer, message.byteOffset);
      assert.equal(view.getUint32(0), count++);
    }
    assert.equal(count, 10_000);
  },
  async "client stream"(client) {
    const call = client.clientStream(at("ClientStream"));
    for (let n = 0; n < 1_000; n++) {
      if (!call.requests.send(new Uint8Array(1_000))) {
        await call.requests.drained();
      }
    }
    call.requests.end();
    assert.equal(read(await call.response), "1000000");
  },
  async "bidi stream"(client) {
    const call = client.bidi(at("Bidi"));
    for (let n = 0; n < 1_000; n++) call.requests.send(text(String(n)));
    call.requests.end();
    let count = 0;
    for await (const message of call.responses) {
      assert.equal(read(message), String(count++));
    }
    assert.equal(count, 1_000);
  },
  async "1,000 calls at once"(client) {
    const calls = Array.from(
      { length: 1_000 },
      (_, n) => client.unary(at("Unary"), text(String(n))),
    );
    const answers = await Promise.all(calls);
    assert.deepEqual(answers.map(read), calls.map((_, n) => String(n)));
  },
};

testWith(
  nodeGrpcJs(),
  "our client calls a grpc-js server",
  async (context) => {
    const certificates = makeTestCertificates();
    const server = await startChild("node", {
      args: [join(here, "grpc_js/server.cjs"), certificates.directory],
      env: grpcJsEnvironment(),
    });
    const link = await dialGrpc({
      host: "127.0.0.1",
      port: server.port,
      tls: certificates.root,
      clock: createClock(),
      scheduler: createScheduler(),
      messageSizeMaxBytes: 64 * 1024 * 1024,
    });
    for (const [name, check] of Object.entries(CHECKS)) {
      await context.step(name, () => check(link.client));
    }
    link.close();
    await server.stop();
    certificates.remove();
  },
);

// grpc-js as client of our server: client.cjs PORT CERTIFICATES PROTOS.
// Prints "ok NAME" or "failed NAME: WHY" for each check.
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [port, certificates, protos] = process.argv.slice(2);
const file = (name) => fs.readFileSync(path.join(certificates, name));
const credentials = grpc.credentials.createSsl(
  file("ca.pem"),
  file("root-client-key.pem"),
  file("root-client.pem"),
);
const target = `localhost:${port}`;
const options = {
  "grpc.max_receive_message_length": 64 * 1024 * 1024,
  "grpc.max_send_message_length": 64 * 1024 * 1024,
};
const client = new grpc.Client(target, credentials, options);
const same = (bytes) => bytes;
const at = (name) => `/test.v1.Echo/${name}`;

function unary(name, request, more = {}) {
  return new Promise((resolve, reject) => {
    const { metadata = new grpc.Metadata(), using = client, ...callOptions } =
      more;
    const call = using.makeUnaryRequest(
      at(name),
      same,
      same,
      Buffer.from(request),
      metadata,
      callOptions,
      (error, value) => {
        if (error) return reject(error);
        answered = value;
      },
    );
    let answered;
    call.on("status", ({ code, metadata: trailers }) => {
      if (code === 0) resolve({ value: answered, trailers });
    });
    more.onCall?.(call);
  });
}

async function errorOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("the call ended with OK");
}

function ended(stream) {
  return new Promise((resolve, reject) => {
    stream.on("end", resolve);
    stream.on("error", reject);
  });
}

function loadService(name, service) {
  const definition = loader.loadSync(name, {
    includeDirs: [protos],
    enums: String,
  });
  const Service = service.split(".").reduce(
    (found, part) => found[part],
    grpc.loadPackageDefinition(definition),
  );
  return new Service(target, credentials);
}

const checks = {
  async "unary call"() {
    assert.equal(String((await unary("Unary", "hello")).value), "hello");
  },
  async "unary call, answered asynchronously"() {
    assert.equal(String((await unary("Slow", "hello")).value), "hello");
  },
  async "metadata in bytes, both ways, and the subject"() {
    const metadata = new grpc.Metadata();
    const bytes = Buffer.from([0, 255, 10, 13]);
    metadata.set("name-bin", bytes);
    const { value, trailers } = await unary("Subject", "", { metadata });
    assert.equal(String(value), "root");
    assert.deepEqual(trailers.get("name-bin"), [bytes]);
  },
  async "error with message and details"() {
    const error = await errorOf(unary("Fail", "11 off 100% ä"));
    assert.equal(error.code, grpc.status.OUT_OF_RANGE);
    assert.equal(error.details, "off 100% ä");
    const [details] = error.metadata.get("grpc-status-details-bin");
    assert.deepEqual([...details], [8, 11]);
  },
  async "an exception is INTERNAL and leaks nothing"() {
    const error = await errorOf(unary("Throw", ""));
    assert.equal(error.code, grpc.status.INTERNAL);
    assert.ok(!error.details.includes("secret"));
  },
  async "unknown method"() {
    const error = await errorOf(unary("None", ""));
    assert.equal(error.code, grpc.status.UNIMPLEMENTED);
  },
  async "deadline"() {
    const deadline = Date.now() + 50;
    const error = await errorOf(unary("Never", "", { deadline }));
    assert.equal(error.code, grpc.status.DEADLINE_EXCEEDED);
  },
  async "cancel"() {
    const call = unary("Never", "", {
      onCall: (its) => setImmediate(() => its.cancel()),
    });
    assert.equal((await errorOf(call)).code, grpc.status.CANCELLED);
  },
  async "server stream of 10,000 messages"() {
    const call = client.makeServerStreamRequest(
      at("ServerStream"),
      same,
      same,
      Buffer.from("10000 1000"),
    );
    let count = 0;
    call.on("data", (message) => {
      assert.equal(message.readUInt32BE(0), count++);
    });
    await ended(call);
    assert.equal(count, 10_000);
  },
  async "client stream"() {
    const size = await new Promise((resolve, reject) => {
      const call = client.makeClientStreamRequest(
        at("ClientStream"),
        same,
        same,
        (error, value) => error ? reject(error) : resolve(String(value)),
      );
      for (let n = 0; n < 1_000; n++) call.write(Buffer.alloc(1_000));
      call.end();
    });
    assert.equal(size, "1000000");
  },
  async "bidi stream"() {
    const call = client.makeBidiStreamRequest(at("Bidi"), same, same);
    const got = [];
    call.on("data", (message) => got.push(String(message)));
    for (let n = 0; n < 1_000; n++) call.write(Buffer.from(String(n)));
    call.end();
    await ended(call);
    assert.deepEqual(got, Array.from({ length: 1_000 }, (_, n) => String(n)));
  },
  async "1,000 streams at once"() {
    const calls = Array.from(
      { length: 1_000 },
      () => client.makeBidiStreamRequest(at("Bidi"), same, same),
    );
    const first = (call, n) =>
      new Promise((resolve, reject) => {
        call.once("data", (message) => resolve(String(message)));
        call.once("error", reject);
        call.write(Buffer.from(String(n)));
      });
    const answers = await Promise.all(calls.map(first));
    assert.deepEqual(answers, calls.map((_, n) => String(n)));
    const ends = calls.map((call) => ended(call.resume()));
    for (const call of calls) call.end();
    await Promise.all(ends);
  },
  async "a message of 16 MiB"() {
    const message = Buffer.alloc(16 * 1024 * 1024, "abcdefg");
    assert.ok((await unary("Unary", message)).value.equals(message));
  },
  async "gzip both ways"() {
    const using = new grpc.Client(target, credentials, {
      ...options,
      "grpc.default_compression_algorithm": 2,
    });
    const message = Buffer.alloc(1_000_000, "abc");
    assert.ok((await unary("Unary", message, { using })).value.equals(message));
    using.close();
  },
  async "health Check and Watch"() {
    const health = loadService(
      "grpc/health/v1/health.proto",
      "grpc.health.v1.Health",
    );
    const check = (service) =>
      new Promise((resolve, reject) =>
        health.Check(
          { service },
          (error, answer) => error ? reject(error) : resolve(answer.status),
        )
      );
    assert.equal(await check("log.v1.Log"), "SERVING");
    assert.equal((await errorOf(check("x"))).code, grpc.status.NOT_FOUND);
    const watch = health.Watch({ service: "" });
    watch.on("error", () => undefined);
    const next = () =>
      new Promise((resolve) =>
        watch.once("data", ({ status }) => resolve(status))
      );
    assert.equal(await next(), "SERVING");
    const changed = next();
    await unary("Flip", "");
    assert.equal(await changed, "NOT_SERVING");
    const back = next();
    await unary("Flip", "");
    assert.equal(await back, "SERVING");
    watch.cancel();
    health.close();
  },
  async "reflection, v1 and v1alpha"() {
    for (const version of ["v1", "v1alpha"]) {
      const reflection = loadService(
        `grpc/reflection/${version}/reflection.proto`,
        `grpc.reflection.${version}.ServerReflection`,
      );
      const call = reflection.ServerReflectionInfo();
      const next = () => new Promise((resolve) => call.once("data", resolve));
      call.write({ listServices: "" });
      const { listServicesResponse } = await next();
      const names = listServicesResponse.service.map(({ name }) => name);
      assert.ok(names.includes("log.v1.Log"));
      call.write({ fileContainingSymbol: "log.v1.Log" });
      const { fileDescriptorResponse } = await next();
      assert.equal(fileDescriptorResponse.fileDescriptorProto.length, 1);
      call.end();
      reflection.close();
    }
  },
};

async function main() {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(
        `failed ${name}: ${String(error.stack).replaceAll("\n", " | ")}`,
      );
    }
  }
  client.close();
}

main();

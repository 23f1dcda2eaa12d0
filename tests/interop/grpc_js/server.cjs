// grpc-js as server of our client: server.cjs CERTIFICATES. Prints its port and
// ends with its stdin. Methods as in tests/support/echo_server.ts.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");

const [certificates] = process.argv.slice(2);
const file = (name) => fs.readFileSync(path.join(certificates, name));
const same = (bytes) => bytes;
const method = (name, requestStream, responseStream) => ({
  path: `/test.v1.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

const service = {
  Unary: method("Unary", false, false),
  Fail: method("Fail", false, false),
  Never: method("Never", false, false),
  Metadata: method("Metadata", false, false),
  ServerStream: method("ServerStream", false, true),
  ClientStream: method("ClientStream", true, false),
  Bidi: method("Bidi", true, true),
};

const server = new grpc.Server({
  "grpc.max_receive_message_length": 64 * 1024 * 1024,
});
server.addService(service, {
  Unary: (call, answer) => answer(null, call.request),
  Fail: (_call, answer) => {
    const metadata = new grpc.Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from([8, 9]));
    metadata.set("t", "1");
    answer({
      code: grpc.status.FAILED_PRECONDITION,
      details: "no ä",
      metadata,
    });
  },
  Never: () => undefined,
  Metadata: (call, answer) => {
    const trailers = new grpc.Metadata();
    for (const value of call.metadata.get("k-bin")) {
      trailers.add("k-bin", value);
    }
    const head = new grpc.Metadata();
    head.set("head", "1");
    call.sendMetadata(head);
    answer(null, Buffer.from("ok"), trailers);
  },
  ServerStream: (call) => {
    let at = 0;
    const count = Number(String(call.request));
    const write = () => {
      while (at < count) {
        const message = Buffer.alloc(1_000);
        message.writeUInt32BE(at++);
        if (!call.write(message)) return void call.once("drain", write);
      }
      call.end();
    };
    write();
  },
  ClientStream: (call, answer) => {
    let size = 0;
    call.on("data", (message) => size += message.length);
    call.on("end", () => answer(null, Buffer.from(String(size))));
  },
  Bidi: (call) => {
    call.on("data", (message) => call.write(message));
    call.on("end", () => call.end());
  },
});

const credentials = certificates === "insecure"
  ? grpc.ServerCredentials.createInsecure()
  : grpc.ServerCredentials.createSsl(
    file("ca.pem"),
    [{ private_key: file("server-key.pem"), cert_chain: file("server.pem") }],
    true,
  );
server.bindAsync("127.0.0.1:0", credentials, (error, port) => {
  if (error) throw error;
  console.log(port);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));

/**
 * A gRPC server with one method of each kind, for tests of the wire: it stands
 * where the agent stands. Paths are below "/test.v1.Echo/".
 */
import { identityOf } from "../../net/auth/subject.ts";
import { grpcHandler } from "../../net/grpc/serve.ts";
import { GrpcServer, type GrpcServerOptions } from "../../net/grpc/server.ts";
import { STATUS, StatusError } from "../../net/grpc/status.ts";
import type { MethodHandler, Methods } from "../../net/grpc/types.ts";
import { createClock, createScheduler } from "../../net/os/clock.ts";
import {
  listen,
  type Listener,
  type Refusal,
} from "../../net/transport/listener.ts";
import { PROTOCOL_GRPC, type TlsMaterial } from "../../net/transport/types.ts";

export interface EchoServer {
  readonly port: number;
  readonly server: GrpcServer;
  readonly listener: Listener;
  /** Connections that came to nothing. */
  readonly refusals: Refusal[];
  stop(): Promise<void>;
}

export interface EchoServerOptions extends Partial<GrpcServerOptions> {
  readonly tls: TlsMaterial | undefined;
  /** A loopback address; default 127.0.0.1. */
  readonly host?: string;
  readonly port?: number;
  readonly extraMethods?: Methods;
}

export async function startEchoServer(
  options: EchoServerOptions,
): Promise<EchoServer> {
  const clock = createClock();
  const scheduler = createScheduler();
  const refusals: Refusal[] = [];
  const server = new GrpcServer({
    ...options,
    methods: new Map([...echoMethods(), ...options.extraMethods ?? []]),
    clock,
    scheduler,
  });
  const listener = await listen({
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    tls: options.tls,
    identify: identityOf,
    protocols: new Map([
      [PROTOCOL_GRPC, grpcHandler({ server, clock, scheduler })],
    ]),
    scheduler,
    onRefused: (refusal) => refusals.push(refusal),
  });
  return {
    port: listener.port,
    server,
    listener,
    refusals,
    stop: async () => {
      await listener.close({ drainMs: 500 });
      server.close();
    },
  };
}

function echoMethods(): [string, MethodHandler][] {
  const at = (name: string) => `/test.v1.Echo/${name}`;
  return [
    [at("Unary"), { kind: "unary", handle: (request) => request }],
    [at("Slow"), {
      kind: "unary",
      handle: async (request) => {
        await Promise.resolve();
        return request;
      },
    }],
    [at("Subject"), {
      kind: "unary",
      handle: (_request, call) => {
        const name = call.metadata.getBinary("name-bin");
        call.trailers.append("name-bin", name ?? new Uint8Array());
        return new TextEncoder().encode(call.peer.subject ?? "");
      },
    }],
    [at("Fail"), { kind: "unary", handle: fail }],
    [at("Throw"), {
      kind: "unary",
      handle: () => {
        throw new TypeError("a secret");
      },
    }],
    [at("Never"), {
      kind: "unary",
      handle: (_request, call) =>
        new Promise((_resolve, reject) => {
          call.signal.addEventListener(
            "abort",
            () => reject(call.signal.reason),
          );
        }),
    }],
    [at("ServerStream"), { kind: "server_stream", handle: repeat }],
    [at("ClientStream"), {
      kind: "client_stream",
      handle: async (requests) => {
        let size = 0;
        for await (const request of requests) size += request.length;
        return new TextEncoder().encode(String(size));
      },
    }],
    [at("Bidi"), {
      kind: "bidi",
      handle: async (requests, sink) => {
        for await (const request of requests) {
          if (!sink.send(request)) await sink.drained();
        }
      },
    }],
  ];
}

/** Request "COUNT SIZE": COUNT messages of SIZE bytes, numbered. */
async function repeat(
  request: Uint8Array,
  sink: Parameters<
    Extract<MethodHandler, { kind: "server_stream" }>["handle"]
  >[1],
): Promise<void> {
  const [count = 0, size = 4] = new TextDecoder().decode(request).split(" ")
    .map(Number);
  for (let at = 0; at < count; at++) {
    const buffer = new Uint8Array(5 + size);
    new DataView(buffer.buffer).setUint32(5, at);
    if (!sink.sendWithHeadroom(buffer, 5)) await sink.drained();
  }
}

/** Request "CODE MESSAGE". */
function fail(request: Uint8Array): never {
  const text = new TextDecoder().decode(request);
  const code = Number(text.split(" ", 1)[0]);
  throw new StatusError(
    (code <= 16 ? code : STATUS.UNKNOWN) as typeof STATUS.UNKNOWN,
    text.slice(text.indexOf(" ") + 1),
    { wireCode: code, details: new Uint8Array([8, code & 127]) },
  );
}

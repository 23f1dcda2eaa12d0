/**
 * The listener's half without TLS: the first byte tells the protocol, "P" of
 * the HTTP/2 preface or 0x01 of a Raft peer. Callers: listener.ts.
 */
import type { Buffer } from "node:buffer";
import net, { type Server, type Socket } from "node:net";
import { watchFirstByte } from "./first_byte.ts";
import { addressOf } from "./listener.ts";
import type { PortOptions } from "./port_options.ts";
import { PROTOCOL_GRPC, PROTOCOL_RAFT } from "./types.ts";

/** First byte of "PRI * HTTP/2.0". */
const FIRST_BYTE_HTTP2 = 0x50;
/** A Raft peer without TLS sends this byte before its first frame. Permanent. */
export const FIRST_BYTE_RAFT = 0x01;

export function createPlainServer(options: PortOptions): Server {
  return net.createServer((socket) => accepted(socket, options));
}

function accepted(socket: Socket, options: PortOptions): void {
  const address = addressOf(socket);
  const refuse = (reason: string) => {
    options.onRefused({ address, reason });
    socket.destroy();
  };
  const onError = (error: Error) => refuse(error.message);
  socket.on("error", onError);
  watchFirstByte(socket, options, () => refuse("no byte after the connect"));
  socket.once("data", (chunk: Buffer) => {
    socket.off("error", onError);
    const told = tellProtocol(chunk);
    if (told === undefined) {
      socket.on("error", () => undefined);
      return refuse(unknownStart(chunk));
    }
    const { protocol, firstBytes } = told;
    const connection = { socket, identity: undefined, address, firstBytes };
    options.onAccepted(protocol, connection);
  });
}

function tellProtocol(
  chunk: Uint8Array,
): { protocol: string; firstBytes: Uint8Array } | undefined {
  switch (chunk[0]) {
    case FIRST_BYTE_HTTP2:
      return { protocol: PROTOCOL_GRPC, firstBytes: chunk };
    case FIRST_BYTE_RAFT:
      return { protocol: PROTOCOL_RAFT, firstBytes: chunk.subarray(1) };
    default:
      return undefined;
  }
}

function unknownStart(chunk: Uint8Array): string {
  const isTls = chunk[0] === 0x16;
  return isTls
    ? "the client speaks TLS and this server runs without it"
    : `a connection starts with byte 0x${
      chunk[0]?.toString(16)
    }, which no protocol does`;
}

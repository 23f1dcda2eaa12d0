/**
 * The seams of the transport: what a socket pump drives, and what the listener
 * hands a new connection to.
 */
import type { Socket } from "node:net";
import type { ProglogError } from "../../core/errors.ts";

/** A protocol as bytes in and bytes out; implemented by `net/grpc`, both roles. */
export interface Wire {
  /** Bytes of the peer; never throws on what they are. */
  receive(chunk: Uint8Array, nowMs: number): void;
  /** What must be written now; empty when there is nothing. */
  takeOutput(): readonly Uint8Array[];
  /** Bytes that wait for `takeOutput` or for the peer's windows. */
  readonly queuedBytes: number;
  /** Nothing follows: close the socket when the output is written. */
  readonly isDone: boolean;
  /** Provokes a sign of life. */
  ping(): void;
  /** Takes nothing new and becomes done when what is open has ended. */
  drain(): void;
  /** The socket is gone. Called once. */
  close(reason: ProglogError): void;
}

/** Who the peer's certificate says it is; see net/auth, which finds it out. */
export type PeerIdentity =
  | {
    readonly ok: true;
    readonly subject: string;
    readonly role: "peer" | "client";
  }
  | { readonly ok: false; readonly message: string };

/** A connection whose protocol is known. */
export interface AcceptedConnection {
  readonly socket: Socket;
  /** Undefined without TLS. */
  readonly identity: PeerIdentity | undefined;
  /** For log lines: "127.0.0.1:50412". */
  readonly address: string;
  /** What was read to tell the protocol, to be taken first. */
  readonly firstBytes: Uint8Array;
}

/** A connection in the hands of its protocol; SocketPump is one. */
export interface ServedConnection {
  /** Ends when what is open has ended. */
  drain(): void;
  destroy(reason: ProglogError): void;
}

/** Takes the socket over at once: its data events must not go unheard. */
export type ConnectionHandler = (
  connection: AcceptedConnection,
) => ServedConnection;

/** ALPN protocol to handler. */
export type ProtocolTable = ReadonlyMap<string, ConnectionHandler>;

export const PROTOCOL_GRPC = "h2";
export const PROTOCOL_RAFT = "proglog-raft/1";

/** PEM texts; as `readCertificateFiles` of net/auth gives them. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  /** What the other side's certificate is checked against. */
  readonly ca: string;
}

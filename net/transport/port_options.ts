/** What the two halves of the listener, with and without TLS, are given. */
import type { Scheduler } from "../../core/env.ts";
import type { ListenerLimits, Refusal } from "./listener.ts";
import type {
  AcceptedConnection,
  PeerIdentity,
  ProtocolTable,
} from "./types.ts";

export interface PortOptions {
  readonly protocols: ProtocolTable;
  readonly limits: ListenerLimits;
  readonly scheduler: Scheduler;
  readonly identify: (certificate: { raw?: Uint8Array }) => PeerIdentity;
  readonly onAccepted: (
    protocol: string,
    connection: AcceptedConnection,
  ) => void;
  readonly onRefused: (refusal: Refusal) => void;
}

/**
 * Connections of clients and forwarders in the simulator: bytes in order, sent
 * again while a link is cut, refused by machines that no longer know of them,
 * and swallowed by machines that are off. Real gRPC machines run over it.
 */
import { ProglogError } from "../../../core/errors.ts";
import type { PeerIdentity } from "../../../net/transport/types.ts";
import type { EventQueue } from "../event_queue.ts";
import type { Network } from "../network.ts";
import type { SeededRandom } from "../random.ts";
import { SimSocket } from "./sim_socket.ts";
import { TcpLane } from "./tcp_lane.ts";
import type { Life } from "./wire.ts";

/** What a server does with a new connection. */
export type Accept = (
  socket: SimSocket,
  peer: { readonly identity: PeerIdentity; readonly address: string },
) => void;

export interface TcpParts {
  readonly events: EventQueue;
  readonly network: Pick<Network<() => void>, "isOpen">;
  readonly random: SeededRandom;
  /** Chance of a segment to be lost, and then sent again. */
  readonly loss: () => number;
}

export interface TcpDial {
  readonly life: Life;
  /** Host of the server. */
  readonly address: string;
  readonly identity: PeerIdentity;
  readonly timeoutMs: number;
}

/** One end of a connection. */
export interface TcpEnd {
  readonly life: Life;
  readonly socket: SimSocket;
}

const DELAY_MAX_MS = 3;
const SYN_RETRY_MS = 1_000;
/** Chance that a machine dies with its process and tells nobody. */
const SILENT_DEATH = 0.5;

export class Tcp {
  readonly #parts: TcpParts;
  /** Who is switched on, by address. */
  readonly #powered = new Map<string, Life>();
  readonly #accepting = new Map<Life, Accept>();
  readonly #ends = new Map<Life, Set<SimSocket>>();
  /** Addresses of machines that are on, with no process. */
  readonly #refusing = new Set<string>();

  constructor(parts: TcpParts) {
    this.#parts = parts;
  }

  plugIn(life: Life): void {
    this.#powered.set(life.address, life);
    this.#refusing.delete(life.address);
  }

  /**
   * The life is over: its connections are, and the others may not notice, unless
   * the process ended in order.
   */
  unplug(address: string, how: "any" | "told"): void {
    const life = this.#powered.get(address);
    if (life === undefined) return;
    this.#powered.delete(address);
    this.#accepting.delete(life);
    const isSilent = this.#parts.random.chance(SILENT_DEATH) && how === "any";
    if (!isSilent) this.#refusing.add(address);
    const ends = this.#ends.get(life) ?? [];
    this.#ends.delete(life);
    for (const socket of ends) socket.die(isSilent ? "silent" : "told");
  }

  listen(life: Life, accept: Accept): () => void {
    this.#accepting.set(life, accept);
    return () => this.#accepting.delete(life);
  }

  /** Rejects with `unavailable` when nobody answers in time. */
  dial(dial: TcpDial): Promise<SimSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<SimSocket>();
    const { events } = this.#parts;
    let isOver = false;
    const end = (settle: () => void) => {
      if (isOver) return;
      isOver = true;
      dial.life.run(settle);
    };
    events.after(
      dial.timeoutMs,
      () => end(() => reject(cannot(dial, "no answer in time"))),
    );
    const knock = (): void => {
      if (isOver) return;
      const server = this.#powered.get(dial.address);
      if (server === undefined && this.#refusing.has(dial.address)) {
        return end(() => reject(cannot(dial, "connection refused")));
      }
      if (server === undefined || !this.#isOpen(dial.life, server)) {
        return events.after(SYN_RETRY_MS, knock);
      }
      const accept = this.#accepting.get(server);
      if (accept === undefined) {
        return end(() => reject(cannot(dial, "connection refused")));
      }
      const near = this.#join(dial, { server, accept });
      end(() => resolve(near));
    };
    events.after(this.#delayMs(), knock);
    return promise;
  }

  #join(
    dial: TcpDial,
    { server, accept }: { server: Life; accept: Accept },
  ): SimSocket {
    const near = new SimSocket();
    const far = new SimSocket();
    const there = this.#lane({ life: dial.life, socket: near }, {
      life: server,
      socket: far,
    });
    const back = this.#lane({ life: server, socket: far }, {
      life: dial.life,
      socket: near,
    });
    near.connect(there);
    far.connect(back);
    this.#keep(dial.life, near);
    this.#keep(server, far);
    const { identity, life } = dial;
    server.run(() => accept(far, { identity, address: life.address }));
    return near;
  }

  #lane(from: TcpEnd, to: TcpEnd): TcpLane {
    const { events, random, loss } = this.#parts;
    return new TcpLane({
      events,
      isOpen: () => this.#isOpen(from.life, to.life) && !random.chance(loss()),
      delayMs: () => this.#delayMs(),
      place: () => this.#placeOf(to.life),
      from,
      to,
    });
  }

  /** What is at the address that a life had. */
  #placeOf(life: Life): "same" | "other" | "nobody" {
    const now = this.#powered.get(life.address);
    if (now === life) return "same";
    return now === undefined ? "nobody" : "other";
  }

  #keep(life: Life, socket: SimSocket): void {
    const ends = this.#ends.get(life) ?? new Set();
    this.#ends.set(life, ends.add(socket));
    socket.once("close", () => ends.delete(socket));
  }

  #isOpen(from: Life, to: Life): boolean {
    const { network } = this.#parts;
    const link = { from: from.machine, to: to.machine };
    return network.isOpen(link);
  }

  #delayMs(): number {
    return 1 + this.#parts.random.below(DELAY_MAX_MS);
  }
}

function cannot({ address }: TcpDial, reason: string): ProglogError {
  return new ProglogError(
    "unavailable",
    `Cannot connect to ${address}: ${reason}`,
  );
}

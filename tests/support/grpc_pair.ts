/**
 * A gRPC client and server joined in memory: every call kind without sockets,
 * real time or TLS. The clock stands still until a test moves it.
 */
import type { Clock, Scheduler } from "../../core/env.ts";
import { GrpcClient } from "../../net/grpc/client.ts";
import { ClientConnection } from "../../net/grpc/client_connection.ts";
import { DeadlineQueue } from "../../net/grpc/deadlines.ts";
import { GrpcServer, type GrpcServerOptions } from "../../net/grpc/server.ts";
import {
  createClientConnection,
  defaultHttp2Limits,
} from "../../net/http2/mod.ts";
import type { Peer } from "../../net/grpc/types.ts";
import type { Wire } from "../../net/transport/types.ts";

export class ManualTime implements Clock, Scheduler {
  #nowMs = 1_000;
  #timers: { atMs: number; callback: () => void }[] = [];

  wallMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  /** Moves the clock and runs what is due, in order. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const due = this.#timers.filter(({ atMs }) => atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
    }
    this.#nowMs = untilMs;
  }
}

export interface GrpcPair {
  readonly client: GrpcClient;
  readonly clientWire: ClientConnection;
  readonly serverWire: Wire;
  readonly server: GrpcServer;
  readonly time: ManualTime;
  /** While true nothing moves between the two. */
  isCut: boolean;
  /** Moves what waited while the two were cut. */
  join(): void;
}

export function makeGrpcPair(
  options: Omit<GrpcServerOptions, "clock" | "scheduler"> & {
    readonly clientMessageSizeMaxBytes?: number;
    /** Who the server takes the client for; default the client "root". */
    readonly peer?: Peer;
  },
): GrpcPair {
  const time = new ManualTime();
  const server = new GrpcServer({ ...options, clock: time, scheduler: time });
  let isScheduled = false;
  const wake = () => {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      if (!pair.isCut) shuttle();
    });
  };
  const shuttle = () => {
    const moved = move(clientWire, serverWire) + move(serverWire, clientWire);
    if (moved > 0) wake();
  };
  const move = (from: Wire, to: Wire) => {
    const output = from.takeOutput();
    for (const bytes of output) to.receive(bytes.slice(), time.monotonicMs());
    return output.length;
  };
  const peer = options.peer ??
    { subject: "root", role: "client", address: "memory" };
  const serverWire = server.accept(peer, wake);
  const clientWire = new ClientConnection({
    machine: createClientConnection({
      limits: defaultHttp2Limits,
      nowMs: time.monotonicMs(),
    }),
    deadlines: new DeadlineQueue(time, time),
    messageSizeMaxBytes: options.clientMessageSizeMaxBytes ?? 4 * 1024 * 1024,
    wake,
  });
  const client = new GrpcClient({
    connection: clientWire,
    clock: time,
    authority: "memory",
    scheme: "https",
  });
  const pair: GrpcPair = {
    client,
    clientWire,
    serverWire,
    server,
    time,
    isCut: false,
    join: () => {
      pair.isCut = false;
      wake();
    },
  };
  wake();
  return pair;
}

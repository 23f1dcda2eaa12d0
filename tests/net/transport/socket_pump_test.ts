/** The pump over a socket that the test plays. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { EventEmitter } from "node:events";
import type { ProglogError } from "../../../core/errors.ts";
import { OutputBudget } from "../../../net/transport/output_budget.ts";
import {
  type PumpLimits,
  SERVER_PUMP_LIMITS,
  SocketPump,
} from "../../../net/transport/socket_pump.ts";
import type { Wire } from "../../../net/transport/types.ts";
import { ManualTime } from "../../support/grpc_pair.ts";

class FakeSocket extends EventEmitter {
  readonly written: Uint8Array[] = [];
  isFull = false;
  isPaused = false;
  isEnded = false;
  isDestroyed = false;
  writableLength = 0;

  setNoDelay(): this {
    return this;
  }

  write(bytes: Uint8Array): boolean {
    this.written.push(bytes);
    this.writableLength = this.isFull ? bytes.length : 0;
    return !this.isFull;
  }

  pause(): this {
    this.isPaused = true;
    return this;
  }

  resume(): this {
    this.isPaused = false;
    return this;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

class FakeWire implements Wire {
  output: Uint8Array[] = [];
  isDone = false;
  pings = 0;
  received: number[] = [];
  closedBy: ProglogError | undefined;

  receive(chunk: Uint8Array): void {
    this.received.push(chunk.length);
  }

  takeOutput(): Uint8Array[] {
    return this.output.splice(0);
  }

  get queuedBytes(): number {
    return this.output.reduce((sum, { length }) => sum + length, 0);
  }

  ping(): void {
    this.pings++;
  }

  drain(): void {
    this.isDone = true;
  }

  close(reason: ProglogError): void {
    this.closedBy = reason;
  }
}

function makePump(
  options: { limits?: Partial<PumpLimits>; budget?: OutputBudget } = {},
) {
  const socket = new FakeSocket();
  const wire = new FakeWire();
  const time = new ManualTime();
  const { budget } = options;
  const pump = new SocketPump({
    socket: socket as unknown as Socket,
    open: () => wire,
    clock: time,
    scheduler: time,
    limits: { ...SERVER_PUMP_LIMITS, ...options.limits },
    ...(budget === undefined ? {} : { budget }),
  });
  return { socket, wire, time, pump };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

Deno.test("wake() writes all output of a turn at once", async () => {
  const { socket, wire, pump } = makePump();
  await turn();
  wire.output.push(new Uint8Array(3));
  pump.wake();
  await Promise.resolve();
  wire.output.push(new Uint8Array(4));
  pump.wake();
  await turn();
  assert.deepEqual(socket.written.map(({ length }) => length), [7]);
});

Deno.test("a full socket gets nothing more until it drains", async () => {
  const { socket, wire, pump } = makePump();
  await turn();
  socket.isFull = true;
  wire.output.push(new Uint8Array(3));
  pump.wake();
  await turn();
  wire.output.push(new Uint8Array(4));
  pump.wake();
  await turn();
  assert.equal(socket.written.length, 1);
  socket.isFull = false;
  socket.emit("drain");
  await turn();
  assert.equal(socket.written.length, 2);
});

Deno.test("a peer that does not read is not read from, over the limit", async () => {
  const { socket, wire, pump } = makePump({
    limits: { pauseReadingAboveBytes: 10 },
  });
  socket.isFull = true;
  wire.output.push(new Uint8Array(3));
  pump.wake();
  await turn();
  assert.equal(socket.isPaused, false);
  wire.output.push(new Uint8Array(20));
  socket.emit("data", new Uint8Array(1));
  await turn();
  assert.equal(socket.isPaused, true);
  socket.isFull = false;
  socket.emit("drain");
  await turn();
  assert.equal(socket.isPaused, false);
});

Deno.test("a blocked connection that grows over the server's budget is closed", async () => {
  const budget = new OutputBudget(100);
  const { socket, wire, pump } = makePump({ budget });
  socket.isFull = true;
  wire.output.push(new Uint8Array(50));
  pump.wake();
  await turn();
  assert.equal(budget.queuedBytes, 50);
  assert.equal(socket.isDestroyed, false);
  wire.output.push(new Uint8Array(60));
  pump.wake();
  await turn();
  assert.equal(socket.isDestroyed, true);
  assert.equal(wire.closedBy?.code, "overloaded");
  assert.equal(budget.queuedBytes, 0);
});

Deno.test("a peer that is silent is pinged, and closed if it stays silent", () => {
  const { socket, wire, time } = makePump();
  time.advance(SERVER_PUMP_LIMITS.keepaliveIntervalMs);
  assert.equal(wire.pings, 1);
  socket.emit("data", new Uint8Array(1));
  time.advance(SERVER_PUMP_LIMITS.keepaliveTimeoutMs);
  assert.equal(socket.isDestroyed, false);
  time.advance(2 * SERVER_PUMP_LIMITS.keepaliveIntervalMs);
  time.advance(SERVER_PUMP_LIMITS.keepaliveTimeoutMs);
  assert.equal(socket.isDestroyed, true);
  assert.match(wire.closedBy?.message ?? "", /does not answer pings/);
  assert.equal(time.timerCount, 0);
});

Deno.test("a peer that reads nothing for too long is closed", async () => {
  const { socket, wire, time, pump } = makePump();
  socket.isFull = true;
  wire.output.push(new Uint8Array(3));
  pump.wake();
  await turn();
  time.advance(2 * SERVER_PUMP_LIMITS.keepaliveIntervalMs);
  assert.equal(socket.isDestroyed, true);
  assert.match(wire.closedBy?.message ?? "", /does not read/);
});

Deno.test("drain() ends the socket after the last output", async () => {
  const { socket, wire, pump } = makePump();
  wire.output.push(new Uint8Array(3));
  pump.drain();
  await turn();
  assert.equal(socket.written.length, 1);
  assert.equal(socket.isEnded, true);
  socket.emit("close");
  assert.ok(wire.closedBy);
});

for (const event of ["end", "close", "error"] as const) {
  Deno.test(`the wire is closed once after "${event}", and nothing is written`, async () => {
    const { socket, wire, time, pump } = makePump();
    await turn();
    socket.emit(event, new Error("reset by peer"));
    const first = wire.closedBy;
    assert.ok(first);
    socket.emit("close");
    assert.equal(wire.closedBy, first);
    wire.output.push(new Uint8Array(3));
    pump.wake();
    socket.emit("data", new Uint8Array(1));
    await turn();
    assert.equal(socket.written.length, 0);
    assert.deepEqual(wire.received, []);
    assert.equal(time.timerCount, 0);
  });
}

/**
 * What a peer must be able to do to be measured beside us, and its server as a
 * process of ours: on loopback, data in a directory that is removed, ended by
 * its own process id. Callers: redis.ts, nats.ts, main.ts.
 */
import { connect, type Socket } from "node:net";
import type { LoadResult } from "../../../net/load/load.ts";
import { until } from "../../e2e/support/process.ts";

/** The loads of net/load/load.ts, put on another system. */
export interface Peer {
  /** With its version and what its acknowledgement promises. */
  readonly name: string;
  /** One record a request, so many requests at a time, for some time. */
  unary(options: {
    readonly inFlight: number;
    readonly sizeBytes: number;
    readonly durationMs: number;
  }): Promise<LoadResult>;
  /** Records into an empty stream without waiting for each. */
  pipelined(options: StreamLoad): Promise<LoadResult>;
  /** The records of `pipelined`, from the first. */
  readBack(options: StreamLoad): Promise<LoadResult>;
  stop(): Promise<void>;
}

export interface StreamLoad {
  readonly records: number;
  readonly sizeBytes: number;
}

/** A way to start a peer; says so where its program is missing. */
export interface PeerProgram {
  readonly command: string;
  readonly package: string;
  start(): Promise<Peer>;
}

export function isInstalled({ command }: PeerProgram): boolean {
  try {
    return new Deno.Command(command, {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export function versionOf(command: string): string {
  const { stdout, stderr } = new Deno.Command(command, { args: ["--version"] })
    .outputSync();
  const text = new TextDecoder().decode(stdout) +
    new TextDecoder().decode(stderr);
  return /\d+\.\d+\.\d+/.exec(text)?.[0] ?? text.trim();
}

/** A server that takes connections on a port of loopback. */
export class ServerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #directory: string;

  private constructor(child: Deno.ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
  }

  static async start(options: {
    readonly command: string;
    readonly port: number;
    readonly args: (directory: string) => string[];
  }): Promise<ServerProcess> {
    const directory = await Deno.makeTempDir({ prefix: "proglog-peer-" });
    const child = new Deno.Command(options.command, {
      args: options.args(directory),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const server = new ServerProcess(child, directory);
    const { command, port } = options;
    try {
      await until(`${command} listens on ${port}`, () => canConnect(port));
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  async stop(): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await Deno.remove(this.#directory, { recursive: true });
  }
}

async function canConnect(port: number): Promise<boolean> {
  try {
    (await openSocket(port)).destroy();
    return true;
  } catch (_) {
    return false; // Asked again until it listens or 20 s have passed.
  }
}

export function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** The same bytes that our own loads send. */
export function payload(sizeBytes: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, n) => 33 + (n * 37) % 94);
}

export function result(
  records: number,
  startedMs: number,
  sizeBytes: number,
): LoadResult {
  const seconds = (performance.now() - startedMs) / 1_000;
  return {
    records,
    seconds,
    recordsPerSecond: records / seconds,
    megabytesPerSecond: records * sizeBytes / seconds / 1e6,
  };
}

export function expectCount(seen: number, expected: number): void {
  if (seen === expected) return;
  throw new Error(`${seen} of ${expected} records were seen`);
}

/** Runs `once` again and again in `inFlight` workers; counts and times each. */
export async function closedLoop(
  options: { inFlight: number; durationMs: number; sizeBytes: number },
  once: (worker: number) => Promise<unknown>,
): Promise<LoadResult> {
  let records = 0;
  const startedMs = performance.now();
  const endMs = startedMs + options.durationMs;
  const work = async (_: unknown, worker: number) => {
    while (performance.now() < endMs) {
      await once(worker);
      records += 1;
    }
  };
  await Promise.all(Array.from({ length: options.inFlight }).map(work));
  return result(records, startedMs, options.sizeBytes);
}

/** Sends `records` in groups, so many groups without an answer at most. */
export async function inGroups(
  options: { records: number; groupCount: number; groupsInFlight: number },
  send: (count: number) => Promise<unknown>,
): Promise<void> {
  let sent = 0;
  const work = async () => {
    while (sent < options.records) {
      const count = Math.min(options.groupCount, options.records - sent);
      sent += count;
      await send(count);
    }
  };
  await Promise.all(Array.from({ length: options.groupsInFlight }, work));
}

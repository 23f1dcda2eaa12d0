/**
 * Redis streams, synced before each acknowledgement (`appendfsync always`):
 * XADD on one connection per worker, pipelined XADD on one connection, XRANGE
 * in pages to read back.
 */
import { freePort } from "../../e2e/support/process.ts";
import {
  closedLoop,
  expectCount,
  inGroups,
  payload,
  type Peer,
  type PeerProgram,
  result,
  ServerProcess,
  type StreamLoad,
  versionOf,
} from "./peer.ts";
import {
  concat,
  encodeCommand,
  type Reply,
  RespClient,
} from "./resp_client.ts";

const GROUP_COUNT = 100;
const GROUPS_IN_FLIGHT = 10;
const PAGE_COUNT = 1_000;

export const redis: PeerProgram = {
  command: "redis-server",
  package: "apt-get install redis-server",
  async start() {
    const port = await freePort();
    const server = await ServerProcess.start({
      command: this.command,
      port,
      args: (directory) => [
        ...["--port", `${port}`, "--bind", "127.0.0.1", "--dir", directory],
        ...["--appendonly", "yes", "--appendfsync", "always", "--save", ""],
        ...["--auto-aof-rewrite-percentage", "0"],
      ],
    });
    return new RedisPeer(server, port);
  },
};

class RedisPeer implements Peer {
  readonly name = `Redis ${versionOf(redis.command)}, synced, no TLS`;
  readonly #server: ServerProcess;
  readonly #port: number;

  constructor(server: ServerProcess, port: number) {
    this.#server = server;
    this.#port = port;
  }

  unary(options: Parameters<Peer["unary"]>[0]) {
    const command = xadd("unary", options.sizeBytes);
    return this.#withClients(
      options.inFlight,
      (clients) =>
        closedLoop(options, (worker) => clients[worker]!.send(command)),
    );
  }

  pipelined({ records, sizeBytes }: StreamLoad) {
    const command = xadd("stream", sizeBytes);
    const group = concat(...Array.from({ length: GROUP_COUNT }, () => command));
    return this.#withClients(1, async ([client]) => {
      await client!.send(encodeCommand("UNLINK", "stream"));
      const startedMs = performance.now();
      await inGroups(
        {
          records,
          groupCount: GROUP_COUNT,
          groupsInFlight: GROUPS_IN_FLIGHT,
        },
        (count) =>
          client!.send(group.subarray(0, count * command.length), count),
      );
      const measured = result(records, startedMs, sizeBytes);
      const length = await client!.send(encodeCommand("XLEN", "stream"));
      expectCount(Number(length), records);
      return measured;
    });
  }

  readBack({ records, sizeBytes }: StreamLoad) {
    return this.#withClients(1, async ([client]) => {
      const startedMs = performance.now();
      let seen = 0;
      for (let from = "-"; seen < records;) {
        const page = await client!.send(
          encodeCommand(
            "XRANGE",
            "stream",
            from,
            "+",
            "COUNT",
            `${PAGE_COUNT}`,
          ),
        );
        const { count, last } = readPage(page, sizeBytes);
        if (count === 0) break;
        seen += count;
        from = `(${last}`;
      }
      expectCount(seen, records);
      return result(seen, startedMs, sizeBytes);
    });
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #withClients<T>(
    count: number,
    use: (clients: readonly RespClient[]) => Promise<T>,
  ): Promise<T> {
    const opening = Array.from(
      { length: count },
      () => RespClient.connect(this.#port),
    );
    const clients = await Promise.all(opening);
    try {
      return await use(clients);
    } finally {
      for (const client of clients) client.close();
    }
  }
}

function xadd(stream: string, sizeBytes: number): Uint8Array {
  return encodeCommand("XADD", stream, "*", "v", payload(sizeBytes));
}

/** An entry is [id, [field, value]]; each value is looked at. */
function readPage(page: Reply, sizeBytes: number) {
  const entries = page as readonly [Uint8Array, readonly Uint8Array[]][];
  for (const [, fields] of entries) {
    expectCount(fields[1]?.length ?? 0, sizeBytes);
  }
  const last = new TextDecoder().decode(entries.at(-1)?.[0]);
  return { count: entries.length, last };
}

/**
 * NATS JetStream with file storage. Its acknowledgement says that the record
 * was written, not that it is synced (it syncs in the background), so that its
 * figures stand beside ours with a weaker promise. Publish with a reply subject;
 * an ordered push consumer with flow control to read back.
 */
import { freePort } from "../../e2e/support/process.ts";
import { encodePublish, type Message, NatsClient } from "./nats_client.ts";
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
import { concat } from "./resp_client.ts";

const STREAM = "BENCH";
const SUBJECT = "bench";
const GROUP_COUNT = 100;
const GROUPS_IN_FLIGHT = 40;
/** Connections of more than one worker. */
const CONNECTIONS = 4;

export const nats: PeerProgram = {
  command: "nats-server",
  package: "apt-get install nats-server",
  async start() {
    const port = await freePort();
    const server = await ServerProcess.start({
      command: this.command,
      port,
      args: (directory) => [
        ...["-a", "127.0.0.1", "-p", `${port}`, "-js", "-sd", directory],
      ],
    });
    return new NatsPeer(server, port);
  },
};

class NatsPeer implements Peer {
  readonly name = `NATS ${versionOf(nats.command)}, not synced, no TLS`;
  readonly #server: ServerProcess;
  readonly #port: number;

  constructor(server: ServerProcess, port: number) {
    this.#server = server;
    this.#port = port;
  }

  async unary(options: Parameters<Peer["unary"]>[0]) {
    const count = options.inFlight === 1 ? 1 : CONNECTIONS;
    const publishers = await this.#publishers(count);
    try {
      await makeStream(publishers[0]!);
      const value = payload(options.sizeBytes);
      return await closedLoop(
        options,
        (worker) => publishers[worker % count]!.publish(value, 1),
      );
    } finally {
      for (const publisher of publishers) publisher.close();
    }
  }

  async pipelined({ records, sizeBytes }: StreamLoad) {
    const [publisher] = await this.#publishers(1);
    try {
      await makeStream(publisher!);
      const value = payload(sizeBytes);
      const startedMs = performance.now();
      await inGroups({
        records,
        groupCount: GROUP_COUNT,
        groupsInFlight: GROUPS_IN_FLIGHT,
      }, (count) => publisher!.publish(value, count));
      return result(records, startedMs, sizeBytes);
    } finally {
      publisher?.close();
    }
  }

  async readBack({ records, sizeBytes }: StreamLoad) {
    const client = await NatsClient.connect(this.#port);
    try {
      const startedMs = performance.now();
      await Promise.race([
        consume(client, { records, sizeBytes }),
        client.failed,
      ]);
      return result(records, startedMs, sizeBytes);
    } finally {
      client.close();
    }
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  #publishers(count: number): Promise<Publisher[]> {
    return Promise.all(
      Array.from(
        { length: count },
        async () => new Publisher(await NatsClient.connect(this.#port)),
      ),
    );
  }
}

/** Publishes groups of records; each group ends with its last acknowledgement. */
class Publisher {
  readonly client: NatsClient;
  readonly #waiting = new Map<string, { left: number; done: () => void }>();
  #nextGroup = 0;

  constructor(client: NatsClient) {
    this.client = client;
    client.subscribe(`${client.inbox}.*`, (message) => this.#onReply(message));
  }

  publish(value: Uint8Array, count: number): Promise<void> {
    const reply = `${this.client.inbox}.${this.#nextGroup++}`;
    const one = encodePublish({ subject: SUBJECT, reply, payload: value });
    const acknowledged = new Promise<void>((done) =>
      this.#waiting.set(reply, { left: count, done })
    );
    const group = count === 1
      ? one
      : concat(...Array.from({ length: count }, () => one));
    this.client.write(group);
    return Promise.race([acknowledged, this.client.failed]);
  }

  close(): void {
    this.client.close();
  }

  #onReply({ subject, payload }: Message): void {
    const group = this.#waiting.get(subject);
    if (group === undefined) return;
    if (!isAcknowledgement(payload)) {
      throw new Error(`NATS refused: ${new TextDecoder().decode(payload)}`);
    }
    if (--group.left > 0) return;
    this.#waiting.delete(subject);
    group.done();
  }
}

/** `{"stream":...}`, where a refusal is `{"error":...}`. */
function isAcknowledgement(body: Uint8Array): boolean {
  return body[2] === "s".charCodeAt(0);
}

/** An empty stream, whatever was there before. */
async function makeStream({ client }: Publisher): Promise<void> {
  const { streams } = await client.request("$JS.API.STREAM.NAMES", {}) as {
    streams?: readonly string[] | null;
  };
  if (streams?.includes(STREAM)) {
    await client.request(`$JS.API.STREAM.DELETE.${STREAM}`, {});
  }
  await client.request(`$JS.API.STREAM.CREATE.${STREAM}`, {
    name: STREAM,
    subjects: [SUBJECT],
    storage: "file",
    retention: "limits",
    discard: "old",
    num_replicas: 1,
  });
}

/** Reads so many records in order; answers the server's flow control. */
async function consume(
  client: NatsClient,
  { records, sizeBytes }: StreamLoad,
): Promise<void> {
  const deliver = `${client.inbox}.deliver`;
  let seen = 0;
  const done = new Promise<void>((resolve) =>
    client.subscribe(deliver, ({ headers, reply, payload }) => {
      if (headers.startsWith("NATS/1.0 100")) {
        if (reply !== "") client.write(emptyAnswer(reply));
        return;
      }
      expectCount(payload.length, sizeBytes);
      if (++seen === records) resolve();
    })
  );
  await client.request(`$JS.API.CONSUMER.CREATE.${STREAM}`, {
    stream_name: STREAM,
    config: {
      deliver_subject: deliver,
      deliver_policy: "all",
      ack_policy: "none",
      replay_policy: "instant",
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: 5_000_000_000,
    },
  });
  await done;
}

function emptyAnswer(subject: string): Uint8Array {
  return new TextEncoder().encode(`PUB ${subject} 0\r\n\r\n`);
}

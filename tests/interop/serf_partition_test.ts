/**
 * A mixed cluster of 3 + 3 in two network namespaces with one cable between
 * them: the cable is cut, each side sees the other fail; it is mended, and all
 * six have one table again. Needs `serf`, `ip` and the right to use them.
 */
import assert from "node:assert/strict";
import { GossipProcess, type Table } from "../support/gossip_process.ts";
import { hasSerf, SerfAgent, until } from "../support/serf_agent.ts";

const ID = `${Deno.pid % 10_000}`;
const LEFT = {
  namespace: `plog-l${ID}`,
  cable: `plog-a${ID}`,
  host: "10.77.1.1",
};
const RIGHT = {
  namespace: `plog-r${ID}`,
  cable: `plog-b${ID}`,
  host: "10.77.1.2",
};
const SEED = `${LEFT.host}:7001`;
const SERF_CONFIG = { reconnect_interval: "2s" };
const STATE_CHANGE_MS = 60_000;

const obstacle = findObstacle();
if (obstacle !== undefined) {
  const text = `SKIPPED: tests/interop/serf_partition_test.ts: ${obstacle}\n`;
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

Deno.test({
  name: `GossipNode: 3 + 3 nodes of both kinds are one table after a partition${
    obstacle === undefined ? "" : ` (${obstacle})`
  }`,
  ignore: obstacle !== undefined,
  async fn() {
    makeNetwork();
    const cluster = new MixedCluster();
    try {
      await cluster.start();
      const all = ["o1", "o2", "o3", "s1", "s2", "s3"];
      await cluster.agree(all, all, "alive");
      ip("-n", LEFT.namespace, "link", "set", LEFT.cable, "down");
      await cluster.agree(["o1", "o2", "s1"], ["o3", "s2", "s3"], "failed");
      await cluster.agree(["o3", "s2", "s3"], ["o1", "o2", "s1"], "failed");
      await cluster.agree(["o1", "o2", "s1"], ["o1", "o2", "s1"], "alive");
      ip("-n", LEFT.namespace, "link", "set", LEFT.cable, "up");
      await cluster.agree(all, all, "alive");
    } finally {
      await cluster.stop();
      ip("netns", "del", LEFT.namespace);
      ip("netns", "del", RIGHT.namespace);
    }
  },
});

class MixedCluster {
  readonly #ours = new Map<string, GossipProcess>();
  readonly #serfs = new Map<string, SerfAgent>();
  readonly #config = Deno.makeTempFileSync({ suffix: ".json" });

  async start(): Promise<void> {
    Deno.writeTextFileSync(this.#config, JSON.stringify(SERF_CONFIG));
    this.#startOurs("o1", LEFT, 7001);
    this.#startOurs("o2", LEFT, 7002);
    this.#startOurs("o3", RIGHT, 7001);
    await Promise.all([
      this.#startSerf("s1", LEFT, 7003),
      this.#startSerf("s2", RIGHT, 7002),
      this.#startSerf("s3", RIGHT, 7003),
    ]);
  }

  /** Waits until each of `watchers` shows each of `names` with `status`. */
  async agree(
    watchers: readonly string[],
    names: readonly string[],
    status: string,
  ): Promise<void> {
    let tables: Table[] = [];
    const isSo = async () => {
      tables = await Promise.all(watchers.map((name) => this.#table(name)));
      return tables.every((table) =>
        names.every((name) => table[name] === status)
      );
    };
    try {
      await until(`${names} are ${status}`, isSo, STATE_CHANGE_MS);
    } catch (cause) {
      const seen = JSON.stringify(tables);
      throw new Error(`${watchers} do not agree: ${seen}`, { cause });
    }
    assert.equal(tables.length, watchers.length);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#ours.values()].map((one) => one.kill()));
    await Promise.all([...this.#serfs.values()].map((one) => one.kill()));
    Deno.removeSync(this.#config);
  }

  async #table(name: string): Promise<Table> {
    const ours = this.#ours.get(name);
    if (ours !== undefined) return ours.table;
    const members = await this.#serfs.get(name)!.members();
    return Object.fromEntries(members.map((one) => [one.name, one.status]));
  }

  #startOurs(name: string, side: typeof LEFT, port: number): void {
    const bindAddr = `${side.host}:${port}`;
    const seeds = bindAddr === SEED ? [] : [SEED];
    const { namespace } = side;
    const options = {
      name,
      bindAddr,
      seeds,
      namespace,
      profile: "local",
    } as const;
    this.#ours.set(name, new GossipProcess(options));
  }

  async #startSerf(
    name: string,
    side: typeof LEFT,
    port: number,
  ): Promise<void> {
    const { namespace, host } = side;
    const rpcPort = port + 1000;
    const args = [`-config-file=${this.#config}`];
    const options = { name, namespace, host, port, rpcPort, args, join: SEED };
    this.#serfs.set(name, await SerfAgent.start(options));
  }
}

function makeNetwork(): void {
  ip("netns", "add", LEFT.namespace);
  ip("netns", "add", RIGHT.namespace);
  const peer = ["peer", "name", RIGHT.cable, "netns", RIGHT.namespace];
  const veth = ["link", "add", LEFT.cable, "type", "veth"];
  ip("-n", LEFT.namespace, ...veth, ...peer);
  for (const { namespace, cable, host } of [LEFT, RIGHT]) {
    ip("-n", namespace, "addr", "add", `${host}/24`, "dev", cable);
    ip("-n", namespace, "link", "set", cable, "up");
    ip("-n", namespace, "link", "set", "lo", "up");
  }
}

function ip(...args: string[]): void {
  const output = new Deno.Command("ip", { args }).outputSync();
  if (output.success) return;
  const reason = new TextDecoder().decode(output.stderr);
  throw new Error(`ip ${args.join(" ")}: ${reason}`);
}

function findObstacle(): string | undefined {
  if (!hasSerf()) return "no serf";
  try {
    ip("netns", "add", `plog-t${ID}`);
    ip("netns", "del", `plog-t${ID}`);
    return undefined;
  } catch (error) {
    if (error instanceof Error) return "no network namespaces";
    throw error;
  }
}

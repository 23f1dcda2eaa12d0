/**
 * A network namespace for each agent, all on one bridge. The machine has a cable
 * to the bridge too: a test and its clients reach every agent, also when the
 * agents do not reach each other. Needs root, `ip` and `nft`; delay needs `tc`
 * with netem.
 */
import type { Place } from "./cluster.ts";

const ID = `${Deno.pid % 10_000}`;
const SUBNET = `10.79.${Deno.pid % 250}`;
const HUB = `plog-h${ID}`;
const OUTSIDE = `plog-o${ID}`;
const TABLE = "plog";
const utf8 = new TextEncoder();

export class Network {
  readonly #names: readonly string[];

  /** Makes the network, runs `test`, and leaves nothing behind. */
  static async use(
    names: readonly string[],
    test: (network: Network) => Promise<void>,
  ): Promise<void> {
    const network = new Network(names);
    try {
      network.#make();
      await test(network);
    } finally {
      network.#remove();
    }
  }

  private constructor(names: readonly string[]) {
    this.#names = names;
  }

  place(name: string): Place {
    const n = this.#names.indexOf(name) + 1;
    return { host: `${SUBNET}.${n}`, namespace: `plog-${n}-${ID}` };
  }

  /** For the agents' certificates. */
  get hosts(): string[] {
    return this.#names.map((name) => this.place(name).host);
  }

  /** Drops everything between two agents, both ways. */
  cut(one: string, other: string): void {
    this.#drop(one, ["ip", "daddr", this.place(other).host]);
    this.#drop(other, ["ip", "daddr", this.place(one).host]);
  }

  /** Drops so many of a hundred packets that an agent sends. */
  lose(name: string, percent: number): void {
    const chance = ["numgen", "random", "mod", "100", "<", `${percent}`];
    this.#drop(name, chance);
  }

  /** Answers whether this kernel can. */
  delay(name: string, ms: number): boolean {
    const { namespace = "" } = this.place(name);
    const netem = ["netem", "delay", `${ms}ms`, `${ms / 2}ms`];
    const tc = ["qdisc", "add", "dev", "eth0", "root", ...netem];
    return run("ip", ["netns", "exec", namespace, "tc", ...tc]).success;
  }

  /** All that was cut and lost works again. */
  heal(): void {
    for (const name of this.#names) this.#nft(name, "flush", "chain");
  }

  #make(): void {
    ip("netns", "add", HUB);
    ip("-n", HUB, "link", "add", "br0", "type", "bridge");
    ip("-n", HUB, "link", "set", "br0", "up");
    const toHub = ["peer", "name", "outside", "netns", HUB];
    ip("link", "add", OUTSIDE, "type", "veth", ...toHub);
    ip("-n", HUB, "link", "set", "outside", "master", "br0", "up");
    ip("addr", "add", `${SUBNET}.200/24`, "dev", OUTSIDE);
    ip("link", "set", OUTSIDE, "up");
    for (const [n, name] of this.#names.entries()) this.#plugIn(name, n);
  }

  #plugIn(name: string, n: number): void {
    const { namespace = "", host } = this.place(name);
    const port = `port${n}`;
    ip("netns", "add", namespace);
    const toHub = ["peer", "name", port, "netns", HUB];
    ip("-n", namespace, "link", "add", "eth0", "type", "veth", ...toHub);
    ip("-n", HUB, "link", "set", port, "master", "br0", "up");
    ip("-n", namespace, "addr", "add", `${host}/24`, "dev", "eth0");
    ip("-n", namespace, "link", "set", "eth0", "up");
    ip("-n", namespace, "link", "set", "lo", "up");
    nft(namespace, ["add", "table", "ip", TABLE]);
    this.#nft(name, "add", "chain", "{ type filter hook output priority 0; }");
  }

  #drop(name: string, match: readonly string[]): void {
    this.#nft(name, "add", "rule", ...match, "drop");
  }

  #nft(name: string, verb: string, what: string, ...rest: string[]): void {
    const { namespace = "" } = this.place(name);
    nft(namespace, [verb, what, "ip", TABLE, "out", ...rest]);
  }

  #remove(): void {
    // The other cables go with the namespaces in which they end.
    run("ip", ["link", "del", OUTSIDE]);
    run("ip", ["netns", "del", HUB]);
    for (const name of this.#names) {
      run("ip", ["netns", "del", this.place(name).namespace ?? ""]);
    }
  }
}

/** Why there can be no network here; says so by the name of the test's file. */
export function networkObstacle(file: string): string | undefined {
  const obstacle = findObstacle();
  if (obstacle !== undefined) tellSkipped(`${file}: ${obstacle}`);
  return obstacle;
}

export function tellSkipped(what: string): void {
  Deno.stderr.writeSync(utf8.encode(`SKIPPED: ${what}\n`));
}

function findObstacle(): string | undefined {
  const namespace = `plog-t${ID}`;
  try {
    ip("netns", "add", namespace);
  } catch (error) {
    if (error instanceof Error) return "no network namespaces";
    throw error;
  }
  try {
    nft(namespace, ["add", "table", "ip", TABLE]);
    return undefined;
  } catch (error) {
    if (error instanceof Error) return "no nft";
    throw error;
  } finally {
    ip("netns", "del", namespace);
  }
}

function ip(...args: string[]): void {
  must("ip", args);
}

function nft(namespace: string, args: readonly string[]): void {
  must("ip", ["netns", "exec", namespace, "nft", ...args]);
}

function must(command: string, args: readonly string[]): void {
  const { success, reason } = run(command, args);
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${reason}`);
}

function run(command: string, args: readonly string[]) {
  const output = new Deno.Command(command, { args: [...args] }).outputSync();
  const reason = new TextDecoder().decode(output.stderr);
  return { success: output.success, reason };
}

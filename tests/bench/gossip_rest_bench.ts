/**
 * What gossip costs at rest: five nodes as five processes in a network
 * namespace of their own, CPU from /proc, packets from the namespace's
 * counters. Run as root: `deno run -A tests/bench/gossip_rest_bench.ts [s]`.
 */
import { GossipProcess } from "../support/gossip_process.ts";
import { until } from "../support/serf_agent.ts";

const NODES = 5;
const SECONDS = Number(Deno.args[0] ?? 30);
const NAMESPACE = `plog-rest${Deno.pid % 10_000}`;
const TICKS_PER_SECOND = 100;

ip("netns", "add", NAMESPACE);
ip("-n", NAMESPACE, "link", "set", "lo", "up");
const nodes: GossipProcess[] = [];
try {
  for (let i = 0; i < NODES; i++) {
    nodes.push(
      new GossipProcess({
        name: `n${i}`,
        bindAddr: `127.0.0.1:${7001 + i}`,
        seeds: i === 0 ? [] : ["127.0.0.1:7001"],
        profile: "lan",
        namespace: NAMESPACE,
      }),
    );
  }
  await until(
    "all five agree",
    () => nodes.every(({ table }) => Object.keys(table).length === NODES),
  );
  // The gossip of the join has ended after a few seconds.
  await pause(10);
  const before = measure();
  await pause(SECONDS);
  const after = measure();
  const cpu = (after.cpuSeconds - before.cpuSeconds) / SECONDS / NODES;
  const packets = (after.packets - before.packets) / SECONDS / NODES;
  const kib = Math.round(after.residentBytes / NODES / 1024);
  print(
    `${NODES} nodes at rest for ${SECONDS} s, each: ` +
      `${(100 * cpu).toFixed(2)} % of a core, ` +
      `${packets.toFixed(1)} packets/s sent, ${kib} KiB resident`,
  );
} finally {
  await Promise.all(nodes.map((node) => node.kill()));
  ip("netns", "del", NAMESPACE);
}

function measure() {
  let cpuSeconds = 0;
  let residentBytes = 0;
  for (const { pid } of nodes) {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // Fields 14, 15 and 24, counted behind the name in brackets.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    cpuSeconds += (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    residentBytes += Number(fields[21]) * 4096;
  }
  const snmp = Deno.readTextFileSync(`/proc/${nodes[0]!.pid}/net/snmp`);
  const udp = snmp.split("\n").filter((line) => line.startsWith("Udp:"));
  const column = udp[0]!.split(" ").indexOf("OutDatagrams");
  const packets = Number(udp[1]!.split(" ")[column]);
  return { cpuSeconds, residentBytes, packets };
}

function ip(...args: string[]): void {
  const { success } = new Deno.Command("ip", { args }).outputSync();
  if (!success) throw new Error(`Cannot run ip ${args.join(" ")}`);
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

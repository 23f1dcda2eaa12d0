/**
 * A gossip node as a process of its own, for tests that need a network
 * namespace or measure what it costs. Arguments: name, bind address, seeds.
 * Each change of the table is a line of JSON on stdout.
 */
import { TIMINGS_LAN, TIMINGS_LOCAL } from "../../core/swim/config.ts";
import { SERF_TIMINGS } from "../../core/swim/serf/context.ts";
import { GossipNode } from "../../net/runtime/gossip_loop.ts";
import { realEnvironment } from "./gossip_env.ts";

const [name, bindAddr, profile, ...seeds] = Deno.args;
const encoder = new TextEncoder();

const node = new GossipNode(
  {
    name: name!,
    bindAddr: bindAddr!,
    tags: { rpc_addr: "127.0.0.1:8400" },
    timings: profile === "lan" ? TIMINGS_LAN : TIMINGS_LOCAL,
    serfTimings: { ...SERF_TIMINGS, reconnectIntervalMs: 2000 },
  },
  realEnvironment,
  (event) => {
    if (event.kind.startsWith("member_")) queueMicrotask(print);
  },
);
await node.start();
print();
await node.join(seeds);

function print(): void {
  const table = Object.fromEntries(
    node.members().map(({ name, status }) => [name, status]),
  );
  Deno.stdout.writeSync(encoder.encode(JSON.stringify(table) + "\n"));
}

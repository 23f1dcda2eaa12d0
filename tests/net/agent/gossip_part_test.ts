/** Gossip as a part of an agent. */
import assert from "node:assert/strict";
import type { AgentOptions } from "../../../net/agent/config.ts";
import { GossipPart } from "../../../net/agent/gossip_part.ts";
import { createHost } from "../../../net/agent/host.ts";
import { dnsResolver } from "../../../net/transport/gossip/dns_resolver.ts";
import { listenGossip } from "../../../net/transport/gossip/socket_transport.ts";
import { simLogger } from "../../sim/node/sim_logger.ts";

Deno.test("members() of a GossipPart that has stopped are those it knew: open calls need them", async () => {
  const options: Partial<AgentOptions> = {
    nodeName: "a",
    bindAddress: { host: "127.0.0.1", port: 0 },
    joinSeeds: [],
  };
  const part = new GossipPart({
    options: options as AgentOptions,
    host: createHost(simLogger(() => {}), (cause) => {
      throw cause;
    }),
    network: { resolver: dnsResolver, listen: listenGossip },
    tags: () => ({ rpc_addr: "127.0.0.1:1" }),
  });
  assert.deepEqual(part.members(), []);
  await part.start();
  await part.stop();
  assert.deepEqual(part.members().map(({ name }) => name), ["a"]);
});

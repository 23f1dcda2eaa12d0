/** Where seeds lead to, with a resolver of the test's own. */
import assert from "node:assert/strict";
import {
  parseHostPort,
  resolveSeed,
} from "../../../net/runtime/gossip_seeds.ts";
import type { Resolver } from "../../../net/transport/gossip/types.ts";

const resolver: Resolver = {
  addresses: (host) =>
    Promise.resolve(
      host === "cluster" ? ["10.0.0.1", "10.0.0.2"] : [`ip-of-${host}`],
    ),
  services: () =>
    Promise.resolve([
      { host: "pod-0", port: 1 },
      { host: "pod-1", port: 2 },
    ]),
};

const SEEDS = [
  { seed: "host", found: [{ host: "ip-of-host", port: 8401 }] },
  { seed: "host:9", found: [{ host: "ip-of-host", port: 9 }] },
  {
    seed: "dns:cluster:9",
    found: [{ host: "10.0.0.1", port: 9 }, { host: "10.0.0.2", port: 9 }],
  },
  {
    seed: "dns:cluster",
    found: [{ host: "10.0.0.1", port: 8401 }, { host: "10.0.0.2", port: 8401 }],
  },
  {
    seed: "srv:_gossip._udp.proglog",
    found: [{ host: "ip-of-pod-0", port: 1 }, { host: "ip-of-pod-1", port: 2 }],
  },
];

for (const { seed, found } of SEEDS) {
  Deno.test(`resolveSeed() finds all of ${seed}`, async () => {
    const options = { resolver, defaultPort: 8401 };
    assert.deepEqual(await resolveSeed(seed, options), found);
  });
}

Deno.test("parseHostPort() reads IPv6 in brackets", () => {
  assert.deepEqual(parseHostPort("[::1]:80", 1), { host: "::1", port: 80 });
});

for (const text of ["", "a:b", "a:70000", "::1", "a:1:2"]) {
  Deno.test(`parseHostPort() refuses "${text}"`, () => {
    assert.throws(() => parseHostPort(text, 1), { code: "invalid_argument" });
  });
}

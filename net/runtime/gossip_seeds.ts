/**
 * Where a cluster can be found: `host:port`, `dns:name[:port]` with as many
 * addresses as the name has, `srv:name` with ports of its own.
 */
import { ProglogError } from "../../core/errors.ts";
import type { Endpoint } from "../../core/swim/wire/ip.ts";
import type { Resolver } from "../transport/gossip/types.ts";

const DNS_PREFIX = "dns:";
const SRV_PREFIX = "srv:";

/** `host:port`, `[v6]:port` or a host alone; throws `invalid_argument`. */
export function parseHostPort(text: string, defaultPort: number): Endpoint {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (host !== undefined && port <= 0xffff) return { host, port };
  throw new ProglogError(
    "invalid_argument",
    `Cannot read address ${text}: it has the form host:port`,
  );
}

/** All endpoints of one seed, in the order in which to call on them. */
export async function resolveSeed(
  seed: string,
  options: { resolver: Resolver; defaultPort: number },
): Promise<Endpoint[]> {
  const { resolver, defaultPort } = options;
  if (seed.startsWith(SRV_PREFIX)) {
    const name = seed.slice(SRV_PREFIX.length);
    const targets = await resolver.services(name);
    const found = await Promise.all(
      targets.map((target) => resolveHost(target, resolver)),
    );
    return found.flat();
  }
  const address = seed.startsWith(DNS_PREFIX)
    ? seed.slice(DNS_PREFIX.length)
    : seed;
  return await resolveHost(parseHostPort(address, defaultPort), resolver);
}

async function resolveHost(
  { host, port }: Endpoint,
  resolver: Resolver,
): Promise<Endpoint[]> {
  const addresses = await resolver.addresses(host);
  return addresses.map((address) => ({ host: address, port }));
}

/** Names to addresses by the system's resolver and DNS. */
import dns from "node:dns/promises";
import type { Endpoint } from "../../../core/swim/wire/ip.ts";
import { parseIp } from "../../../core/swim/wire/ip.ts";
import type { Resolver } from "./types.ts";

export const dnsResolver: Resolver = {
  async addresses(host: string): Promise<readonly string[]> {
    if (parseIp(host) !== undefined) return [host];
    const found = await dns.lookup(host, { all: true });
    return found.map(({ address }) => address);
  },

  async services(name: string): Promise<readonly Endpoint[]> {
    const records = await dns.resolveSrv(name);
    records.sort((a, b) => a.priority - b.priority || b.weight - a.weight);
    return records.map((record) => ({ host: record.name, port: record.port }));
  },
};

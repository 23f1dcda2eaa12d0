/**
 * What may stand in our certificates: host names, client names, days of
 * validity. Checked before anything is written. Callers: pki.ts, renew.ts, cli/certs.ts.
 */
import { isIP } from "node:net";
import { ProglogError } from "../../core/errors.ts";

export const VALIDITY_DAYS_DEFAULT = 365;
export const VALIDITY_DAYS_MAX = 36_500;

export function allHosts(extra: readonly string[]): string[] {
  checkHosts(extra);
  const own = ["localhost", "127.0.0.1", "::1", Deno.hostname()];
  return [...new Set([...own, ...extra])].filter(isHost);
}

/** Throws `invalid_argument` for the first that is no name and no address. */
export function checkHosts(hosts: readonly string[]): void {
  for (const host of hosts) checkHost(host);
}

function checkHost(host: string): void {
  if (isHost(host)) return;
  throw new ProglogError(
    "invalid_argument",
    `Cannot put "${host}" into a certificate as it is neither a host name nor an IP address`,
    { details: { host } },
  );
}

/** RFC 1123 names, with a wildcard as the whole first label at most. */
function isHost(host: string): boolean {
  const label = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?";
  const name = new RegExp(`^(\\*\\.)?${label}(\\.${label})*$`, "i");
  return isIP(host) !== 0 || (host.length <= 253 && name.test(host));
}

export function checkClientName(name: string): void {
  // The name is also a file name, and "*" means everybody in a policy.
  if (/^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/.test(name)) return;
  throw new ProglogError(
    "invalid_argument",
    `Cannot issue a certificate for "${name}" as a name is 1 to 63 letters, digits, ".", "_", "@" or "-"`,
    { details: { name } },
  );
}

export function checkDays(days: number): number {
  if (Number.isInteger(days) && days >= 1 && days <= VALIDITY_DAYS_MAX) {
    return days;
  }
  throw new ProglogError(
    "invalid_argument",
    `Cannot make a certificate valid for ${days} days as the number must be from 1 to ${VALIDITY_DAYS_MAX}`,
  );
}

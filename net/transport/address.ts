/** Addresses as text: "host:port", "[::1]:port". Callers: peer links, net/client. */
import { ProglogError } from "../../core/errors.ts";

/** @throws ProglogError `invalid_argument` */
export function splitAddress(address: string): { host: string; port: number } {
  const match = /^\[?(.+?)\]?:(\d+)$/.exec(address);
  if (match?.[1] === undefined) {
    throw new ProglogError(
      "invalid_argument",
      `Cannot connect to "${address}" as it is not host:port`,
    );
  }
  return { host: match[1], port: Number(match[2]) };
}

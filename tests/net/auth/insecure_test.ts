import assert from "node:assert/strict";
import { isLoopback } from "../../../net/auth/insecure.ts";

Deno.test("isLoopback() knows the addresses that stay on this machine", () => {
  for (
    const host of [
      "127.0.0.1",
      "127.8.9.10",
      "::1",
      "[::1]",
      "0:0:0:0:0:0:0:1",
      "localhost",
      "LOCALHOST",
      "::ffff:127.0.0.1",
    ]
  ) assert.equal(isLoopback(host), true, host);
});

Deno.test("isLoopback() trusts nothing else", () => {
  for (
    const host of [
      "0.0.0.0",
      "::",
      "10.0.0.1",
      "127.0.0.1.example.net",
      "localhost.example.net",
      "",
      "::ffff:10.0.0.1",
      "128.0.0.1",
      "127.1",
    ]
  ) assert.equal(isLoopback(host), false, host);
});

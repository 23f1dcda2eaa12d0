/** Requests that no client of ours makes: each is refused, none is our fault. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  StatusError,
  type StatusName,
  statusName,
} from "../../../net/grpc/status.ts";
import type { GrpcClient } from "../../../net/grpc/client.ts";
import { encodeConsumeRequest } from "../../../net/rpc/messages.ts";
import { CLIENT, MemoryCluster } from "../../support/memory_cluster.ts";
import { makeLogService } from "../../support/log_service.ts";

const UNARY = [
  "/log.v1.Log/Produce",
  "/log.v1.Log/Consume",
  "/log.v1.Log/GetServers",
  "/proglog.v1.Admin/GetStatus",
  "/proglog.v1.Admin/Trim",
  "/proglog.v1.Admin/Members",
  "/proglog.v1.Admin/TransferLeader",
  "/proglog.v1.Admin/RemoveNode",
  "/proglog.v1.Admin/GossipKey",
];

/** "UNKNOWN" and "INTERNAL" are what a handler that failed answers. */
const OUR_FAULT: readonly StatusName[] = ["UNKNOWN", "INTERNAL"];

async function outcomeOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
    return "OK";
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return statusName(error.code);
  }
}

async function assertRefused(
  client: GrpcClient,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const outcome = await outcomeOf(client.unary(path, bytes));
  const isOurs = OUR_FAULT.some((name) => name === outcome);
  assert.ok(!isOurs, `${path} of ${bytes.toHex()} is ${outcome}`);
}

Deno.test("no request that is not protobuf makes a handler fail", async () => {
  const { client } = await new MemoryCluster().node("a").dial(CLIENT);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    // A known field number with any wire type, and then anything.
    fc.tuple(fc.integer({ min: 8, max: 127 }), fc.uint8Array({ maxLength: 16 }))
      .map(([tag, rest]) => Uint8Array.of(tag, ...rest)),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...UNARY),
      bytes,
      async (path, message) => {
        await assertRefused(client, path, message);
      },
    ),
    { numRuns: 1_000 },
  );
});

Deno.test("Consume and ConsumeStream bear every offset, size, start and level", async () => {
  const { pair } = await makeLogService();
  const request = fc.record({
    offset: fc.maxSafeNat(),
    batchBytesMax: fc.constantFrom(0, 1, 2 ** 31, Number.MAX_SAFE_INTEGER),
    stopsAtEnd: fc.constant(true),
    log: fc.constantFrom("", "default", "\u0000", "x".repeat(10_000)),
    start: fc.constantFrom(
      "offset" as const,
      "earliest" as const,
      "latest" as const,
      "tail" as const,
      "time" as const,
    ),
    consistency: fc.constantFrom("local" as const, "linearizable" as const),
  });
  await fc.assert(
    fc.asyncProperty(request, async (consume) => {
      const bytes = encodeConsumeRequest(consume);
      await assertRefused(pair.client, "/log.v1.Log/Consume", bytes);
      const stream = pair.client.serverStream(
        "/log.v1.Log/ConsumeStream",
        bytes,
      );
      const outcome = await outcomeOf(Array.fromAsync(stream));
      assert.ok(["OK", "OUT_OF_RANGE", "NOT_FOUND"].includes(outcome), outcome);
    }),
    { numRuns: 200 },
  );
});

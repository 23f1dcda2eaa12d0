/**
 * Reads a whole log from one node and no other: the client of the command line
 * would go to whichever server is next.
 */
import assert from "node:assert/strict";
import { RecordCursor } from "../../../core/log/record_walk.ts";
import type { GrpcClient } from "../../../net/grpc/client.ts";
import {
  type Consistency,
  decodeConsumeBatch,
  encodeConsumeRequest,
} from "../../../net/rpc/messages.ts";
import type { Cluster } from "./cluster.ts";
import { askNode } from "./node_link.ts";
import { until } from "./process.ts";

const BATCH_BYTES = 256 * 1024;

/** Values by offset, from 0 on; waits until the node can answer. */
export async function readNode(
  cluster: Cluster,
  name: string,
  consistency: Consistency = "linearizable",
): Promise<string[]> {
  const { lowestOffset, values } = await readKept(cluster, name, consistency);
  assert.equal(lowestOffset, 0, `${name} has lost its first records`);
  return values;
}

export interface Kept {
  readonly lowestOffset: number;
  readonly values: string[];
}

/** The same of a log whose first records may be gone by retention. */
export async function readKept(
  cluster: Cluster,
  name: string,
  consistency: Consistency = "linearizable",
): Promise<Kept> {
  let kept: Kept | undefined;
  await until(`${name} serves reads`, async () => {
    kept = await askNode(
      cluster.address(name),
      (client) => readOnce(client, { name, consistency }),
    );
    return kept !== undefined;
  });
  assert.ok(kept);
  return kept;
}

async function readOnce(
  client: GrpcClient,
  { name, consistency }: { name: string; consistency: Consistency },
): Promise<Kept> {
  const request = encodeConsumeRequest({
    start: "earliest",
    offset: 0,
    log: "",
    batchBytesMax: BATCH_BYTES,
    stopsAtEnd: true,
    consistency,
  });
  let lowestOffset: number | undefined;
  const values: string[] = [];
  const text = new TextDecoder();
  const messages = client.serverStream(
    "/log.v1.Log/ConsumeStream",
    request,
  );
  for await (const message of messages) {
    const batch = decodeConsumeBatch(message);
    lowestOffset ??= batch.baseOffset;
    const expected = lowestOffset + values.length;
    assert.equal(batch.baseOffset, expected, `${name}: gap or double`);
    const cursor = new RecordCursor(batch.records);
    while (cursor.next()) {
      const { bytes, valueStart, valueEnd } = cursor;
      values.push(text.decode(bytes.subarray(valueStart, valueEnd)));
    }
  }
  return { lowestOffset: lowestOffset ?? 0, values };
}

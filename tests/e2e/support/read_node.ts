/**
 * Reads a whole log from one node and no other: the client of the command line
 * would go to whichever server is next.
 */
import assert from "node:assert/strict";
import { ProglogError } from "../../../core/errors.ts";
import { RecordCursor } from "../../../core/log/record_walk.ts";
import { readCertificateFiles } from "../../../net/auth/certificate_files.ts";
import { dialGrpc } from "../../../net/grpc/dial.ts";
import { StatusError } from "../../../net/grpc/status.ts";
import { createClock, createScheduler } from "../../../net/os/clock.ts";
import {
  type Consistency,
  decodeConsumeBatch,
  encodeConsumeRequest,
} from "../../../net/rpc/messages.ts";
import type { Cluster } from "./cluster.ts";
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
  let kept: Kept = { lowestOffset: 0, values: [] };
  await until(`${name} serves reads`, async () => {
    try {
      kept = await readOnce(cluster, { name, consistency });
      return true;
    } catch (error) {
      if (error instanceof StatusError || error instanceof ProglogError) {
        return false;
      }
      throw error;
    }
  });
  return kept;
}

async function readOnce(
  cluster: Cluster,
  { name, consistency }: { name: string; consistency: Consistency },
): Promise<Kept> {
  const path = (file: string) => cluster.workspace.path(`config/${file}.pem`);
  const link = await dialGrpc({
    host: cluster.place(name).host,
    port: cluster.agent(name).rpcPort,
    tls: readCertificateFiles({
      certFile: path("root-client"),
      keyFile: path("root-client-key"),
      caFile: path("ca"),
    }),
    clock: createClock(),
    scheduler: createScheduler(),
  });
  const request = encodeConsumeRequest({
    start: "earliest",
    offset: 0,
    log: "",
    batchBytesMax: BATCH_BYTES,
    stopsAtEnd: true,
    consistency,
  });
  try {
    let lowestOffset: number | undefined;
    const values: string[] = [];
    const text = new TextDecoder();
    const messages = link.client.serverStream(
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
  } finally {
    link.close();
  }
}

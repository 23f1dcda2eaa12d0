/**
 * One sync at a time, shared by those who came too late for the one before.
 */

import assert from "node:assert/strict";
import { SyncGate } from "../../../core/log/sync_gate.ts";

function slowGate() {
  const runs: { resolve(): void; reject(error: Error): void }[] = [];
  const gate = new SyncGate(() =>
    new Promise((resolve, reject) => runs.push({ resolve, reject }))
  );
  return { gate, runs };
}

/** Lets all promises that can go on do so. */
async function drain(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("SyncGate runs one at a time and shares the next", async () => {
  const { gate, runs } = slowGate();
  const first = gate.pass();
  const second = gate.pass();
  const third = gate.pass();
  assert.equal(runs.length, 1);
  assert.equal(second, third);
  runs[0]?.resolve();
  await first;
  await drain();
  assert.equal(runs.length, 2);
  const fourth = gate.pass();
  assert.notEqual(fourth, second);
  runs[1]?.resolve();
  await second;
  await drain();
  assert.equal(runs.length, 3);
  runs[2]?.resolve();
  await fourth;
});

Deno.test("SyncGate lets the next run begin after one that failed", async () => {
  const { gate, runs } = slowGate();
  const first = gate.pass();
  const second = gate.pass();
  runs[0]?.reject(new Error("no disk"));
  await assert.rejects(first, /no disk/);
  await drain();
  runs[1]?.resolve();
  await second;
});

/**
 * The log as Raft sees it between a decision and its writing: the same answers
 * before and after the runtime has written what it was told.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type LogIndex, logIndex, offset, term } from "../../../core/ids.ts";
import { EntryLog } from "../../../core/raft/entry_log.ts";
import { MemoryLog } from "./support/memory_log.ts";

function append(log: EntryLog, entryTerm: number): LogIndex {
  const index = logIndex(log.lastIndex + 1);
  const proposal = { sizeBytes: 10, text: `v${index}` };
  log.append({ kind: "data", index, term: term(entryTerm), proposal });
  return index;
}

function write(log: EntryLog, view: MemoryLog): void {
  const change = log.take();
  if (change === undefined) return;
  view.write({ hardState: undefined, ...change } as never);
}

function termsOf(log: EntryLog): (number | undefined)[] {
  const from = log.start.index;
  const count = log.lastIndex - from + 3;
  return Array.from(
    { length: count },
    (_, at) => log.termAt(logIndex(Math.max(0, from - 1) + at)),
  );
}

Deno.test("take() changes nothing that the log answers", () => {
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom(
        "append",
        "append",
        "append",
        "truncate",
        "write",
        "reset",
      ),
      amount: fc.nat({ max: 4 }),
    }),
    { maxLength: 40 },
  );
  fc.assert(fc.property(steps, (all) => {
    const view = new MemoryLog();
    const log = new EntryLog(view);
    let lastTerm = 1;
    for (const { kind, amount } of all) {
      if (kind === "append") append(log, lastTerm += amount > 3 ? 1 : 0);
      if (kind === "truncate" && log.lastIndex - amount > log.start.index) {
        log.truncateFrom(logIndex(log.lastIndex - amount));
      }
      if (kind === "reset" && amount === 4) {
        const index = logIndex(log.lastIndex + 5);
        const start = { index, term: term(lastTerm), nextOffset: offset(0) };
        log.resetTo({ start, configuration: { members: [] }, state: [] });
      }
      const before = termsOf(log);
      const { lastIndex, start } = log;
      if (kind === "write") write(log, view);
      assert.deepEqual(termsOf(log), before);
      assert.equal(log.lastIndex, lastIndex);
      assert.deepEqual(log.start, start);
    }
    write(log, view);
    assert.deepEqual(termsOf(new EntryLog(view)), termsOf(log));
  }));
});

Deno.test("measure() goes on from what is written to what is not", () => {
  const view = new MemoryLog();
  const log = new EntryLog(view);
  append(log, 1);
  append(log, 1);
  write(log, view);
  append(log, 1);
  append(log, 1);
  const written = view.measure({
    from: logIndex(2),
    to: logIndex(2),
    bytesMax: 1,
  }).sizeBytes;
  const range = { from: logIndex(2), to: logIndex(4), entriesMax: 10 };
  assert.deepEqual(
    log.measure({ ...range, bytesMax: written + 10 }),
    { to: 3, sizeBytes: written + 10 },
  );
  assert.deepEqual(
    log.measure({ ...range, bytesMax: written + 10, entriesMax: 1 }),
    { to: 2, sizeBytes: written },
  );
  assert.deepEqual(
    log.measure({ ...range, from: logIndex(4), bytesMax: 1 }),
    { to: 4, sizeBytes: 10 },
  );
});

Deno.test("lastIndexOfTerm() finds the last entry that is not of a later term", () => {
  const view = new MemoryLog();
  const log = new EntryLog(view);
  for (const entryTerm of [1, 1, 2, 2, 4]) append(log, entryTerm);
  const last = (index: number, termMax: number): number =>
    log.lastIndexOfTerm(logIndex(index), term(termMax));
  assert.equal(last(5, 4), 5);
  assert.equal(last(5, 3), 4);
  assert.equal(last(9, 1), 2);
  assert.equal(last(1, 4), 1);
  assert.equal(last(5, 0), 0);
});

Deno.test("writeFailed() leaves only what the view shows", () => {
  const view = new MemoryLog();
  const log = new EntryLog(view);
  append(log, 1);
  write(log, view);
  append(log, 7);
  log.take();
  log.writeFailed();
  assert.equal(log.lastIndex, 1);
  append(log, 8);
  assert.equal(log.termAt(logIndex(2)), 8);
});

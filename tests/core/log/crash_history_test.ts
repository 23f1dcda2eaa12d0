/**
 * Random histories of appends, syncs, truncations, drops, resets, disk errors
 * and crashes. After each crash: what was durable is there, in order; what is
 * there was appended.
 */

import assert from "node:assert/strict";
import type { Random } from "../../../core/env.ts";
import { isProglogError } from "../../../core/errors.ts";
import { logIndex, offset, term } from "../../../core/ids.ts";
import type { Log } from "../../../core/log/log.ts";
import { MemoryDisk } from "../../support/memory_disk.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { describeEntries, entryFor, openLog } from "./support/log_fixture.ts";

const HISTORIES = 400;
const STEPS_MAX = 60;

/**
 * What may be on disk. `entries[i]` is entry `start + 1 + i`; `attempted` holds
 * every entry that was ever handed to the log, also those that were cut again.
 */
class Model {
  entries: string[] = [];
  start = 0;
  /** Entries up to here must survive. */
  durable = 0;
  readonly attempted = new Set<string>();
  /** Counts lives: what a dead process hears of its syncs is not noted. */
  life = 0;
  /** A cut, drop or reset was under way: the state before or after it may be. */
  starts = new Set<number>([0]);
}

interface Seen {
  cuts: number;
  rolls: number;
  refusals: number;
}

Deno.test("Log keeps what was synced through any history of crashes", async () => {
  const seen: Seen = { cuts: 0, rolls: 0, refusals: 0 };
  for (let seed = 1; seed <= HISTORIES; seed++) {
    try {
      await runHistory(seededRandom(seed), seen);
    } catch (cause) {
      throw new Error(`History of seed ${seed} failed`, { cause });
    }
  }
  assert.ok(seen.cuts > 50, `only ${seen.cuts} torn tails`);
  assert.ok(seen.rolls > 200, `only ${seen.rolls} rolls`);
  assert.ok(seen.refusals > 20, `only ${seen.refusals} disk errors`);
});

async function runHistory(random: Random, seen: Seen): Promise<void> {
  const disk = new MemoryDisk();
  const model = new Model();
  const config = { segmentBytesMax: 200 + random.nextU32() % 800 };
  for (let life = 0; life < 4; life++) {
    const { log, recovery } = await openLog(disk, config, {
      random,
      durableIndexMin: logIndex(0),
    });
    if (recovery.cutBytes > 0) seen.cuts += 1;
    checkAgainst(model, log);
    if (random.nextU32() % 4 === 0) {
      disk.failOperation = disk.operationCount + 1 + random.nextU32() % 60;
    }
    try {
      await live(log, model, random);
    } catch (error) {
      if (!isProglogError(error)) throw error;
      seen.refusals += 1;
    }
    seen.rolls += log.segmentFacts().length - 1;
    model.life += 1;
    if (random.nextU32() % 3 === 0) disk.kill();
    else disk.crash(random);
  }
}

/** Reopened: compares with the model, then takes over what survived. */
function checkAgainst(model: Model, log: Log): void {
  const lines = describeEntries(log);
  const first = log.firstIndex - 1;
  assert.ok(
    model.starts.has(first) || first <= model.start,
    `starts at ${first}, may start at ${[...model.starts]} or ${model.start}`,
  );
  assert.ok(
    log.lastIndex >= model.durable,
    `ends at ${log.lastIndex}, ${model.durable} was durable`,
  );
  lines.forEach((line, i) => {
    const index = first + 1 + i;
    if (index <= model.durable && index > model.start) {
      assert.equal(line, model.entries[index - model.start - 1]);
    } else assert.ok(model.attempted.has(line), `invented: ${line}`);
  });
  assert.equal(log.durableIndex, log.lastIndex);
  model.entries = lines;
  model.start = first;
  model.durable = log.lastIndex;
  model.starts = new Set([first]);
}

async function live(log: Log, model: Model, random: Random): Promise<void> {
  const { life } = model;
  const syncs: Promise<unknown>[] = [];
  const steps = 1 + random.nextU32() % STEPS_MAX;
  for (let i = 0; i < steps; i++) {
    const choice = random.nextU32() % 100;
    if (choice < 60) append(log, model, random);
    else if (choice < 85) {
      const upTo = log.lastIndex;
      const done = log.sync().then(() => {
        if (model.life === life) model.durable = Math.max(model.durable, upTo);
      });
      if (random.nextU32() % 2 === 0) await done;
      else syncs.push(Promise.allSettled([done]));
    } else {
      await Promise.all(syncs);
      if (choice < 92) await truncate(log, model, random);
      else if (choice < 98) await drop(log, model, random);
      else await reset(log, model, random);
    }
  }
  if (random.nextU32() % 3 === 0) {
    const upTo = log.lastIndex;
    await log.close();
    model.durable = upTo;
  }
}

function append(log: Log, model: Model, random: Random): void {
  const count = 1 + random.nextU32() % 3;
  const values = Array.from(
    { length: count },
    () => "x".repeat(random.nextU32() % 40) + random.nextU32() % 1000,
  );
  const isNoop = random.nextU32() % 5 === 0;
  const entry = entryFor(log, isNoop ? [] : values, {
    term: term(
      Math.max(1, log.lastTerm) + (random.nextU32() % 8 === 0 ? 1 : 0),
    ),
    kind: isNoop ? "noop" : "data",
  });
  const line = `${entry.index} ${entry.term} ${entry.kind} ${log.nextOffset} ${
    isNoop ? "" : values.join(",")
  }`;
  model.attempted.add(line);
  log.append(entry);
  model.entries.push(line);
}

async function truncate(log: Log, model: Model, random: Random): Promise<void> {
  const length = log.lastIndex - log.firstIndex + 1;
  if (length < 1) return;
  const back = random.nextU32() % Math.min(length, 12);
  const index = logIndex(log.lastIndex - back);
  model.durable = Math.min(model.durable, index - 1);
  await log.truncateFrom(index);
  model.entries.length = index - 1 - model.start;
  model.durable = index - 1;
}

async function drop(log: Log, model: Model, random: Random): Promise<void> {
  const length = log.lastIndex - log.firstIndex + 1;
  const index = logIndex(log.firstIndex + random.nextU32() % (length + 1));
  for (const { firstIndex } of log.segmentFacts()) {
    if (firstIndex <= index) model.starts.add(firstIndex - 1);
  }
  await log.dropBefore(index);
  const first = log.firstIndex - 1;
  model.entries.splice(0, first - model.start);
  model.start = first;
  model.starts = new Set([first]);
}

async function reset(log: Log, model: Model, random: Random): Promise<void> {
  const index = random.nextU32() % 50;
  model.starts.add(index);
  model.durable = 0;
  await log.resetTo({
    index: logIndex(index),
    term: term(index === 0 ? 0 : 5),
    offset: offset(index === 0 ? 0 : index * 2),
  });
  model.entries = [];
  model.start = index;
  model.durable = index;
  model.starts = new Set([index]);
}

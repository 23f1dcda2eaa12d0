/**
 * The long fuzz of the HTTP/2 machine: case `i` runs from seed + i.
 *
 *   deno run -A tests/fuzz/http2_fuzz.ts [seed, default 1] [count, default 1,000,000]
 */
import { Chance } from "../net/http2/support/chance.ts";
import { makeCorpus, runCase } from "../net/http2/support/fuzz.ts";

const CASE_MAX_MS = 1_000;
const HEAP_MAX_BYTES = 512 * 1024 * 1024;

export function replayCommand(seed: number): string {
  return `deno run -A tests/fuzz/http2_fuzz.ts ${seed} 1`;
}

/** Runs `count` cases; throws with the replay command at the first that fails. */
export function runFuzz(options: { seed: number; count: number }): void {
  const corpus = makeCorpus();
  let startMs = performance.now();
  for (let place = 0; place < options.count; place++) {
    const seed = options.seed + place;
    try {
      runCase(new Chance(seed), corpus);
    } catch (cause) {
      throw new Error(`Fuzz case failed: ${replayCommand(seed)}`, { cause });
    }
    const endMs = performance.now();
    if (endMs - startMs > CASE_MAX_MS) {
      throw new Error(`Fuzz case is too slow: ${replayCommand(seed)}`);
    }
    startMs = endMs;
  }
  const { heapUsed } = Deno.memoryUsage();
  if (heapUsed > HEAP_MAX_BYTES) {
    throw new Error(`Heap grew to ${heapUsed} bytes`);
  }
}

if (import.meta.main) {
  const seed = Number(Deno.args[0] ?? 1);
  const count = Number(Deno.args[1] ?? 1_000_000);
  const startMs = performance.now();
  runFuzz({ seed, count });
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  const heapMib = (Deno.memoryUsage().heapUsed / 2 ** 20).toFixed(0);
  const line =
    `${count} cases from seed ${seed} in ${seconds} s, heap ${heapMib} MiB\n`;
  await Deno.stdout.write(new TextEncoder().encode(line));
}

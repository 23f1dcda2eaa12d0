/**
 * What replicas must have in common at the end of a run: the records that were
 * promised, the same entries byte for byte, the same state.
 */
import { logIndex } from "../../../core/ids.ts";
import { Log } from "../../../core/log/log.ts";
import { loadState } from "../../../net/runtime/replica/applied_state.ts";
import type { Replica } from "../../../net/runtime/replica/replica.ts";
import type { MemoryDisk } from "../../support/memory_disk.ts";
import { fail } from "../checker.ts";
import { SeededRandom } from "../random.ts";
import { readValues } from "./replica_node.ts";
import type { Truth } from "./truth.ts";

/** One history, all that was acknowledged, no gaps. */
export function checkRecords(
  truth: Truth,
  node: { readonly id: string; readonly replica: Replica | undefined },
): void {
  const { replica } = node;
  if (replica === undefined) return;
  const { lowestOffset, nextOffset } = replica;
  const values = new Map<number, string>();
  for (const record of readValues(replica, lowestOffset)) {
    truth.saw(record, node.id);
    values.set(record.offset, record.value);
  }
  if (values.size !== nextOffset - lowestOffset) {
    fail(`Gapless: ${node.id} has ${values.size} of ${nextOffset}`);
  }
  truth.checkComplete(values, lowestOffset);
}

/** Entries byte for byte, and the producers known, after an orderly end. */
export async function checkReplicas(
  nodes: readonly { readonly id: string; readonly disk: MemoryDisk }[],
  directory: string,
): Promise<void> {
  const entries = new Map<number, string>();
  const producers = new Map<string, string>();
  for (const { id, disk } of nodes) {
    const copy = disk.clone();
    const { log } = await Log.open({
      disk: copy,
      directory: `${directory}/log`,
      random: new SeededRandom(1),
    });
    for (const [index, bytes] of rawEntries(log)) {
      const known = entries.get(index) ?? bytes;
      entries.set(index, known);
      if (known !== bytes) fail(`Replicas: ${id} has another entry ${index}`);
    }
    const file = { directory, name: "checkpoint" };
    const state = loadState(copy, file);
    producers.set(id, JSON.stringify([state?.at, state?.producers.toString()]));
  }
  if (new Set(producers.values()).size > 1) {
    fail(`State: ${[...producers].join(" | ")}`);
  }
}

/** Without what belongs to their place in a file. */
function* rawEntries(log: Log): Generator<[number, string]> {
  for (let from = log.firstIndex; from <= log.lastIndex; from++) {
    const read = log.entriesFrom({
      from: logIndex(from),
      bytesMax: 1,
      countMax: 1,
    });
    const bytes = read?.bytes.slice() ?? new Uint8Array(0);
    bytes.fill(0, 8, 16);
    yield [from, bytes.toString()];
  }
}

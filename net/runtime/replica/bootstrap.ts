/**
 * Founds a group: every founder begins its log with the same first entry, the
 * configuration of them all, so that any of them may be elected.
 */
import { ENTRY_HEADER_BYTES } from "../../../core/log/entry.ts";
import { encodeConfiguration } from "../../../core/raft/configuration_codec.ts";
import { foundCluster, type Founding } from "../../../core/raft/founding.ts";
import { createRaft, type Machinery } from "./machinery.ts";
import type { Recovered } from "./recover.ts";
import type { BootstrapResult, Founder, ReplicaOptions } from "./types.ts";

/** Of no moment, as the entry must be the same everywhere. */
const FIRST_TIME_MS = 0;

export async function bootstrap(
  options: ReplicaOptions,
  parts: {
    readonly recovered: Recovered;
    readonly machinery: Machinery;
    readonly founders: readonly Founder[];
  },
): Promise<BootstrapResult> {
  const { recovered, machinery } = parts;
  const { loop } = machinery;
  const { hardState, entry } = foundCluster(parts.founders);
  const isWritten = await loop.call((raft) => {
    if (raft.status.term > 0 || recovered.log.lastIndex > 0) return false;
    writeFirst(parts, entry);
    loop.pauseRaft();
    return true;
  });
  if (!isWritten) return { ok: false, reason: "not_empty" };
  await recovered.log.sync();
  await loop.call(() => {
    // A term that is lost with the power is that of the entry again.
    const raft = createRaft(
      options,
      { ...recovered, hardState },
      machinery.view,
    );
    loop.replaceRaft(raft, hardState.term);
  });
  return { ok: true };
}

function writeFirst(
  { recovered, machinery }: Parameters<typeof bootstrap>[1],
  entry: Founding["entry"],
): void {
  const { log, applier } = recovered;
  const { kind, index, term, configuration } = entry;
  const meta = encodeConfiguration(configuration);
  const appendTimeMs = FIRST_TIME_MS;
  const baseOffset = log.append({ index, term, kind, appendTimeMs, meta });
  const sizeBytes = ENTRY_HEADER_BYTES + meta.length;
  machinery.view.appended({ index, term, sizeBytes });
  const nextOffset = baseOffset;
  const place = { index, term, baseOffset, nextOffset };
  applier.appended({ ...place, sizeBytes, marks: [] });
  applier.configured({ index, configuration });
}

/**
 * What an acknowledgement promises (`--fsync`), in types and in words.
 * Callers: the replica, the agent's configuration and its status.
 */

export type FsyncPolicy =
  /** Every acknowledged record is on the device. The default. */
  | { readonly kind: "always" }
  /** Synced at most `intervalMs` after the write; power loss may take that much. */
  | { readonly kind: "interval"; readonly intervalMs: number }
  /** Left to the operating system; power loss may take some 30 s of records. */
  | { readonly kind: "never" };

export function formatFsync(policy: FsyncPolicy): string {
  return policy.kind === "interval"
    ? `interval:${policy.intervalMs}`
    : policy.kind;
}

/** What is lost, in words for the start of an agent; undefined when nothing is. */
export function fsyncWarning(policy: FsyncPolicy): string | undefined {
  switch (policy.kind) {
    case "always":
      return undefined;
    case "interval":
      return `--fsync interval:${policy.intervalMs} acknowledges records before they are on disk: ` +
        `power loss may take those of the last ${policy.intervalMs} ms`;
    case "never":
      return "--fsync never acknowledges records that are only in the memory of the operating system: " +
        "power loss may take those of the last half minute or more";
  }
}

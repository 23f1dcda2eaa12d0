/**
 * The reading half of recovery: walks the segments that nothing proves durable
 * in order, up to the end of the log or the first damage. Changes nothing.
 */

import { assert } from "../assert.ts";
import type { Disk } from "../env.ts";
import { durableIndexProvedBy } from "./entry.ts";
import { EntryScanner, type ScanStep } from "./entry_scanner.ts";
import { believeTornEntry, type LogFaults } from "./faults.ts";
import { describeFault } from "./log_errors.ts";
import type { LogPoint } from "./log_point.ts";
import { ActiveSegment } from "./segment.ts";
import type { FoundSegment } from "./segment_files.ts";

/** Where the first damage lies. */
export interface Damage {
  /** Number of the segment in the list that was found. */
  readonly segment: number;
  /** 0: its header, or the file does not belong there at all. */
  readonly position: number;
  readonly reason: string;
  /** The index that belongs there. */
  readonly expectedIndex: number;
}

/** The place of an entry that nothing proved durable yet. */
export interface UnprovedEntry {
  readonly index: number;
  readonly segment: number;
  readonly position: number;
}

export class RecoveryScan {
  readonly #disk: Disk;
  readonly #found: readonly FoundSegment[];
  readonly #from: number;
  readonly #faults: LogFaults;
  #active: ActiveSegment | null = null;
  #damage: Damage | null = null;
  #proved: number;
  #unproved: UnprovedEntry[] = [];
  #unprovedCountMax = 1024;
  #entriesScanned = 0;

  constructor(
    disk: Disk,
    found: readonly FoundSegment[],
    options: {
      readonly from: number;
      readonly proved: number;
      readonly faults: LogFaults;
    },
  ) {
    this.#disk = disk;
    this.#found = found;
    this.#from = options.from;
    this.#proved = options.proved;
    this.#faults = options.faults;
  }

  /** The file of `active` is the caller's to close, also if this throws. */
  run(): void {
    for (let i = this.#from; i < this.#found.length; i++) {
      if (this.#damage === null) this.#scanSegment(i);
    }
  }

  /** The last segment with a whole header, or null if there is none. */
  get active(): ActiveSegment | null {
    return this.#active;
  }
  get damage(): Damage | null {
    return this.#damage;
  }
  get entriesScanned(): number {
    return this.#entriesScanned;
  }

  /** The first entry that nothing proves durable, or null. */
  firstUnproved(): UnprovedEntry | null {
    return this.#unproved.find((entry) => entry.index > this.#proved) ?? null;
  }

  #scanSegment(number: number): void {
    const found = this.#found[number];
    assert(found !== undefined, `Cannot scan segment ${number}`);
    const reason = this.#whyNotNext(found);
    if (reason !== null || found.header === null) {
      const expectedIndex = this.#active === null
        ? found.firstIndex
        : this.#active.point.index + 1;
      this.#damage = {
        segment: number,
        position: 0,
        reason: reason ?? "its header is damaged",
        expectedIndex,
      };
      return;
    }
    this.#active?.file.close();
    this.#active = null;
    const { path, header, sizeBytes } = found;
    const file = this.#disk.open(path, "existing");
    this.#active = new ActiveSegment({ path, header, sizeBytes }, file);
    this.#scanEntries(number, this.#active);
  }

  #whyNotNext(found: FoundSegment): string | null {
    if (found.header === null) return "its header is damaged";
    if (this.#active === null) return null;
    return isSamePoint(found.header.start, this.#active.point)
      ? null
      : `it does not begin where the segment before it ends, at index ${
        this.#active.point.index + 1
      }`;
  }

  #scanEntries(number: number, active: ActiveSegment): void {
    let scanner = scanOn(active);
    while (true) {
      const step = scanner.next();
      if (step.kind === "end") return;
      if (step.kind === "damaged") {
        const isTail = number === this.#found.length - 1;
        if (isTail && this.#isBelieved(active, step)) {
          scanner = scanOn(active);
          continue;
        }
        this.#damage = {
          segment: number,
          position: step.position,
          reason: describeFault(step.reason),
          expectedIndex: active.point.index + 1,
        };
        return;
      }
      active.note(step.header);
      this.#prove(durableIndexProvedBy(step.window, step.at));
      const { position, header: { index } } = step;
      this.#unproved.push({ index, segment: number, position });
      this.#entriesScanned += 1;
    }
  }

  /** Never, but in the simulator's mutation check. */
  #isBelieved(
    { file, info }: ActiveSegment,
    { position, reason }: Extract<ScanStep, { kind: "damaged" }>,
  ): boolean {
    if (!this.#faults.has("trust_torn_tail")) return false;
    if (reason !== "short" && reason !== "checksum") return false;
    return believeTornEntry(file, { salt: info.header.salt, position });
  }

  /**
   * Forgets what is proved durable, whenever the list has doubled: its cost is
   * that of the scan, also for a long tail of which nothing is proved.
   */
  #prove(index: number): void {
    this.#proved = Math.max(this.#proved, index);
    if (this.#unproved.length < this.#unprovedCountMax) return;
    this.#unproved = this.#unproved.filter((entry) =>
      entry.index > this.#proved
    );
    this.#unprovedCountMax = Math.max(1024, 2 * this.#unproved.length);
  }
}

/** Behind the last entry that the segment has noted. */
function scanOn({ file, info, endPosition, point }: ActiveSegment) {
  return new EntryScanner(file, {
    salt: info.header.salt,
    from: endPosition,
    end: file.size(),
    after: point,
  });
}

function isSamePoint(a: LogPoint, b: LogPoint): boolean {
  return a.index === b.index && a.term === b.term && a.offset === b.offset;
}

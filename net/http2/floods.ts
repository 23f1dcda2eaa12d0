/**
 * Counts what a peer may do only so often: cheap for it, work for us
 * (rapid reset CVE-2023-44487, resets provoked CVE-2025-8671, ping, settings and
 * empty-frame floods of 2019). One guard per connection; counts restart per interval.
 */
import { ENHANCE_YOUR_CALM, type Fault, fault } from "./error_code.ts";
import type { Http2Limits } from "./limits.ts";

export type FloodKind =
  | "resets"
  | "pings"
  | "settings"
  | "emptyData"
  | "windowUpdates"
  | "ignoredFrames";

const BYTES_PER_WINDOW_UPDATE = 1024;

export class FloodGuard {
  readonly #limits: Http2Limits;
  readonly #maxima: Record<FloodKind, number>;
  readonly #counts: Record<FloodKind, number> = zeros();
  #intervalStartMs: number;
  #sentBytes = 0;

  constructor(limits: Http2Limits, nowMs: number) {
    this.#limits = limits;
    this.#intervalStartMs = nowMs;
    this.#maxima = {
      resets: limits.resetsPerIntervalMax,
      pings: limits.pingsPerIntervalMax,
      settings: limits.settingsPerIntervalMax,
      emptyData: limits.emptyDataPerIntervalMax,
      windowUpdates: limits.windowUpdatesPerIntervalMax,
      ignoredFrames: limits.ignoredFramesPerIntervalMax,
    };
  }

  /** Starts a new interval when the old one is over. */
  tick(nowMs: number): void {
    if (nowMs - this.#intervalStartMs < this.#limits.floodIntervalMs) return;
    this.#intervalStartMs = nowMs;
    this.#sentBytes = 0;
    Object.assign(this.#counts, zeros());
  }

  count(kind: FloodKind): Fault | undefined {
    this.#counts[kind] += 1;
    const earned = kind === "windowUpdates"
      ? this.#sentBytes / BYTES_PER_WINDOW_UPDATE
      : 0;
    if (this.#counts[kind] <= this.#maxima[kind] + earned) return undefined;
    return fault(ENHANCE_YOUR_CALM, `Peer sends too many ${TEXTS[kind]}`);
  }

  /** DATA that we send entitles the peer to answer with window updates. */
  dataSent(bytes: number): void {
    this.#sentBytes += bytes;
  }
}

const TEXTS: Record<FloodKind, string> = {
  resets: "stream resets",
  pings: "PING frames",
  settings: "SETTINGS frames",
  emptyData: "empty DATA frames",
  windowUpdates: "WINDOW_UPDATE frames",
  ignoredFrames: "frames without effect",
};

function zeros(): Record<FloodKind, number> {
  return {
    resets: 0,
    pings: 0,
    settings: 0,
    emptyData: 0,
    windowUpdates: 0,
    ignoredFrames: 0,
  };
}

/**
 * A counter on stderr while something long runs, on a terminal only: results
 * stay clean in pipes. The one door to cli-progress.
 */
import process from "node:process";
// @ts-types="@types/cli-progress"
import cliProgress from "cli-progress";

const UPDATES_PER_SECOND = 5;

export class Progress {
  readonly #bar: cliProgress.SingleBar | undefined;

  /** `total` is unknown where it is left out: then only the count is shown. */
  constructor(unit: string, total?: number) {
    if (!Deno.stderr.isTerminal() || Deno.stdout.isTerminal()) return;
    this.#bar = new cliProgress.SingleBar({
      format: total === undefined
        ? `{value} ${unit}, {duration_formatted}`
        : `{bar} {percentage} % of {total} ${unit}, {eta_formatted} left`,
      fps: UPDATES_PER_SECOND,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    });
    this.#bar.start(total ?? 0, 0);
  }

  add(count: number): void {
    this.#bar?.increment(count);
  }

  stop(): void {
    this.#bar?.stop();
  }
}

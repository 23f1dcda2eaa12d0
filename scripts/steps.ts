/**
 * Runs commands one after another, tells how long each took, and ends the
 * process with 1 at the end if one of them failed. Callers: ok.ts, test.ts.
 */
export interface Step {
  readonly name: string;
  /** Arguments of `deno`. */
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
}

export interface StepResult {
  readonly step: Step;
  readonly ok: boolean;
  readonly seconds: number;
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/** Runs one command; its output is shown and the test counts in it are read. */
export async function runStep(step: Step): Promise<StepResult> {
  console.log(`\n== ${step.name}`);
  const startedMs = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...step.args],
    env: { NO_COLOR: "1", ...step.env },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    await Deno.stdout.write(new TextEncoder().encode(chunk));
    text += chunk;
  }
  const { success } = await child.status;
  const seconds = (performance.now() - startedMs) / 1000;
  return { step, ok: success, seconds, ...countsIn(text) };
}

/**
 * The closing line of a test run, "ok | 12 passed | 0 failed | 1 ignored (1s)",
 * or our own, "12 passed, 0 failed, 1 skipped".
 */
export function countsIn(
  text: string,
): { passed: number; failed: number; ignored: number } {
  const line = text.split("\n").findLast((line) =>
    /\d+ passed.* \d+ failed/.test(line)
  );
  const count = (word: string) =>
    Number(new RegExp(`(\\d+) ${word}`).exec(line ?? "")?.[1] ?? 0);
  return {
    passed: count("passed"),
    failed: count("failed"),
    ignored: count("ignored") + count("skipped"),
  };
}

/** Prints the table of all steps and ends the process. */
export function finish(results: readonly StepResult[]): never {
  console.log("");
  for (const { step, ok, seconds } of results) {
    console.log(
      `${ok ? "ok    " : "FAILED"} ${
        seconds.toFixed(1).padStart(6)
      } s  ${step.name}`,
    );
  }
  const sum = (key: "passed" | "failed" | "ignored") =>
    results.reduce((total, result) => total + result[key], 0);
  console.log(
    `\n${sum("passed")} passed, ${sum("failed")} failed, ${
      sum("ignored")
    } skipped`,
  );
  Deno.exit(results.every((result) => result.ok) ? 0 : 1);
}

/** The short fuzz of the normal test run; the long one is tests/fuzz/http2_fuzz.ts. */
import { runFuzz } from "../../fuzz/http2_fuzz.ts";

const COUNT = Number(Deno.env.get("PROGLOG_HTTP2_FUZZ_COUNT") ?? 20_000);

Deno.test(`receive() survives ${COUNT} mutated frame sequences`, () => {
  runFuzz({ seed: 1, count: COUNT });
});

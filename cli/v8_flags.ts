/**
 * How V8 is run; the tasks of deno.json say the same, as JSON cannot import.
 *
 * - A young generation of 16 MiB: a smaller one promotes requests that are under
 *   way.
 * - No pretenuring of allocation sites: what survives while a process warms up
 *   decides it for good, and then each request is garbage that only a full
 *   collection finds.
 */
export const V8_FLAGS =
  "--v8-flags=--min-semi-space-size=16,--no-allocation-site-pretenuring";

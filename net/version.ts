/**
 * The version of proglog, as `proglog --version` and GetStatus tell it.
 * Equal to `version` in deno.json; a test compares them.
 */
export const VERSION = "0.1.0";

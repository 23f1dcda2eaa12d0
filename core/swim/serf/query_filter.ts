/**
 * Decides whether a query is meant for us. A filter names nodes (byte 0 and an
 * array) or asks for a tag that fits an expression (byte 1 and {Tag, Expr}).
 * Expressions come from peers and are matched by backtracking, so only those
 * that cannot run away are looked at; others fit nothing.
 */
import { MsgpackReader } from "../wire/msgpack_reader.ts";
import type { Tags } from "../wire/tags.ts";

const FILTER_NODE = 0;
const FILTER_TAG = 1;
const EXPRESSION_CHARS_MAX = 128;
const OPEN_QUANTIFIERS_MAX = 2;

export function passesFilters(
  filters: readonly Uint8Array[],
  own: { name: string; tags: Tags },
): boolean {
  return filters.every((filter) => passesFilter(filter, own));
}

function passesFilter(
  filter: Uint8Array,
  own: { name: string; tags: Tags },
): boolean {
  const reader = new MsgpackReader(filter, 1);
  if (filter[0] === FILTER_NODE) return namesUs(reader, own.name);
  if (filter[0] === FILTER_TAG) return fitsTag(reader, own.tags);
  return false;
}

function namesUs(reader: MsgpackReader, name: string): boolean {
  for (let left = reader.array(); left > 0 && reader.ok; left--) {
    if (reader.text() === name && reader.ok) return true;
  }
  return false;
}

function fitsTag(reader: MsgpackReader, tags: Tags): boolean {
  let [tag, expression] = ["", ""];
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "Tag") tag = reader.text();
    else if (key === "Expr") expression = reader.text();
    else reader.skip();
  }
  if (!reader.ok) return false;
  const value = Object.hasOwn(tags, tag) ? tags[tag]! : "";
  return compileBounded(expression)?.test(value) ?? false;
}

/**
 * A regular expression whose matching takes at most the square of a tag's 512
 * characters: no repeated groups, no back references, two open quantifiers.
 */
export function compileBounded(expression: string): RegExp | undefined {
  if (expression.length > EXPRESSION_CHARS_MAX) return undefined;
  if (/\)[*+?{]/.test(expression) || /\\[1-9k]/.test(expression)) {
    return undefined;
  }
  const open = expression.match(/[*+{]/g) ?? [];
  if (open.length > OPEN_QUANTIFIERS_MAX) return undefined;
  try {
    return new RegExp(expression);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Serf's tags in a member's meta data: byte 0xff and a msgpack map of strings.
 * Meta without that byte is from before tags, and is the tag `role`.
 */
import { META_BYTES_MAX } from "../limits.ts";
import { MsgpackReader } from "./msgpack_reader.ts";
import { MsgpackWriter } from "./msgpack_writer.ts";

export type Tags = Readonly<Record<string, string>>;

const TAGS_MAGIC = 0xff;

/** The meta bytes, or undefined if they are more than 512. */
export function encodeTags(tags: Tags): Uint8Array | undefined {
  const names = Object.keys(tags).sort();
  const writer = new MsgpackWriter().byte(TAGS_MAGIC).map(names.length);
  for (const name of names) writer.text(name).text(tags[name]!);
  const meta = writer.finish();
  return meta.length <= META_BYTES_MAX ? meta : undefined;
}

/** The tags in meta bytes; what is damaged has none. */
export function decodeTags(meta: Uint8Array): Tags {
  if (meta.length === 0) return {};
  if (meta[0] !== TAGS_MAGIC) {
    return { role: new TextDecoder().decode(meta) };
  }
  const reader = new MsgpackReader(meta, 1);
  const tags: [string, string][] = [];
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const name = reader.text();
    tags.push([name, reader.text()]);
  }
  return reader.ok ? Object.fromEntries(tags) : {};
}

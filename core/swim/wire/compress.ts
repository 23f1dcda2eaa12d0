/**
 * A compressed message: byte 9, then {Algo: 0, Buf: LZW of a whole message}.
 */
import { MESSAGE_TYPE } from "./messages.ts";
import { lzwCompress, lzwDecompress } from "./lzw.ts";
import type { MsgpackReader } from "./msgpack_reader.ts";
import { MsgpackWriter } from "./msgpack_writer.ts";

const ALGORITHM_LZW = 0;

export function encodeCompressed(message: Uint8Array): Uint8Array {
  return new MsgpackWriter().byte(MESSAGE_TYPE.compress).map(2)
    .text("Algo").integer(ALGORITHM_LZW)
    .text("Buf").raw(lzwCompress(message)).finish();
}

/**
 * Reads {Algo, Buf} and expands it to at most `lengthMax` bytes; undefined if
 * it is damaged, or not there in whole (then `reader.failure` says so).
 */
export function readCompressed(
  reader: MsgpackReader,
  lengthMax: number,
): Uint8Array | undefined {
  let algorithm = ALGORITHM_LZW;
  let packed: Uint8Array = new Uint8Array(0);
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "Algo") algorithm = reader.unsigned(0xff);
    else if (key === "Buf") packed = reader.raw();
    else reader.skip();
  }
  if (!reader.ok || algorithm !== ALGORITHM_LZW) return undefined;
  return lzwDecompress(packed, lengthMax);
}

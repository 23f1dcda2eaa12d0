/**
 * Serf's key queries: how a change of gossip keys reaches every member. The
 * query's payload is type 7 and {Key}, the answer type 8 and {Keys, Message,
 * PrimaryKey, Result}; the request carries raw bytes, the answer base64.
 */
import { MsgpackReader } from "./msgpack_reader.ts";
import { MsgpackWriter } from "./msgpack_writer.ts";
import { SERF_TYPE } from "./serf_messages.ts";

export type KeyOperation = "install" | "use" | "remove" | "list";

/** Names of the queries on the wire: permanent. */
export const KEY_QUERIES: Readonly<Record<KeyOperation, string>> = {
  install: "_serf_install-key",
  use: "_serf_use-key",
  remove: "_serf_remove-key",
  list: "_serf_list-keys",
};

export interface KeyAnswer {
  readonly isDone: boolean;
  /** Why not, for people. */
  readonly message: string;
  /** All keys in base64; only in answers to "list". */
  readonly keys: readonly string[];
  /** The key that encrypts, in base64; only in answers to "list". */
  readonly primaryKey: string;
}

const KEY_BYTES_MAX = 32;
const KEYS_MAX = 64;
const TEXT_BYTES_MAX = 512;

/** The operation that a query's name asks for; undefined for other queries. */
export function keyOperationOf(queryName: string): KeyOperation | undefined {
  const operations: readonly KeyOperation[] = [
    "install",
    "use",
    "remove",
    "list",
  ];
  return operations.find((one) => KEY_QUERIES[one] === queryName);
}

export function encodeKeyRequest(key: Uint8Array): Uint8Array {
  return new MsgpackWriter().byte(SERF_TYPE.keyRequest).map(1)
    .text("Key").raw(key).finish();
}

/** The raw key; undefined if the payload is damaged or has none. */
export function decodeKeyRequest(payload: Uint8Array): Uint8Array | undefined {
  if (payload[0] !== SERF_TYPE.keyRequest) return undefined;
  const reader = new MsgpackReader(payload, 1);
  let key: Uint8Array | undefined;
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    if (reader.text() === "Key") key = reader.raw(KEY_BYTES_MAX).slice();
    else reader.skip();
  }
  return reader.ok ? key : undefined;
}

export function encodeKeyAnswer(answer: KeyAnswer): Uint8Array {
  const writer = new MsgpackWriter().byte(SERF_TYPE.keyResponse).map(4);
  writer.text("Keys").array(answer.keys.length);
  for (const key of answer.keys) writer.text(key);
  return writer.text("Message").text(answer.message)
    .text("PrimaryKey").text(answer.primaryKey)
    .text("Result").boolean(answer.isDone).finish();
}

export function decodeKeyAnswer(payload: Uint8Array): KeyAnswer | undefined {
  if (payload[0] !== SERF_TYPE.keyResponse) return undefined;
  const reader = new MsgpackReader(payload, 1);
  let [isDone, message, primaryKey] = [false, "", ""];
  const keys: string[] = [];
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const field = reader.text();
    if (field === "Result") isDone = reader.boolean();
    else if (field === "Message") message = reader.text(TEXT_BYTES_MAX);
    else if (field === "PrimaryKey") primaryKey = reader.text(TEXT_BYTES_MAX);
    else if (field === "Keys") {
      for (let rest = reader.array(KEYS_MAX); rest > 0 && reader.ok; rest--) {
        keys.push(reader.text(TEXT_BYTES_MAX));
      }
    } else reader.skip();
  }
  return reader.ok ? { isDone, message, keys, primaryKey } : undefined;
}

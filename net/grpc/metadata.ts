/**
 * Custom metadata of a call: names without regard to case, many values a name.
 * Values of names that end in "-bin" are bytes and travel as base64
 * (gRPC over HTTP/2 protocol, "Custom-Metadata"). Held in wire form, so that
 * metadata nobody reads costs nothing.
 */
import { ProglogError } from "../../core/errors.ts";
import type { HeaderField, HeaderList } from "../http2/mod.ts";

/** Names that belong to the protocol: hidden from readers, refused from writers. */
const RESERVED = new Set([
  "connection",
  "content-type",
  "host",
  "te",
]);
const NAME = /^[0-9a-z_.-]+$/;
/** Printable ASCII without space at either end. */
const TEXT_VALUE = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;

export type MetadataValue = string | Uint8Array;

export class Metadata {
  readonly #fields: HeaderField[] = [];

  /** Takes what a peer sent and leaves out the fields of the protocol itself. */
  static fromHeaders(headers: HeaderList): Metadata {
    const metadata = new Metadata();
    for (const field of headers) {
      if (!isReserved(field[0])) metadata.#fields.push(field);
    }
    return metadata;
  }

  /** @throws ProglogError `invalid_argument` for a name or value that cannot travel. */
  static of(
    entries: Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>,
  ): Metadata {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(entries)) {
      const values = Array.isArray(value) ? value : [value];
      for (const one of values) metadata.append(name, one);
    }
    return metadata;
  }

  get isEmpty(): boolean {
    return this.#fields.length === 0;
  }

  /** The first text value. */
  get(name: string): string | undefined {
    const key = name.toLowerCase();
    return this.#fields.find((field) => field[0] === key)?.[1];
  }

  getAll(name: string): string[] {
    const key = name.toLowerCase();
    return this.#fields.filter((field) => field[0] === key)
      .map((field) => field[1]);
  }

  /**
   * The first value of a "-bin" name.
   * @throws ProglogError `invalid_argument` if the peer sent something else than base64.
   */
  getBinary(name: string): Uint8Array | undefined {
    return this.getAllBinary(name)[0];
  }

  /** All values of a "-bin" name; one field may hold several, joined by commas. */
  getAllBinary(name: string): Uint8Array[] {
    return this.getAll(name).flatMap((value) => value.split(","))
      .map((value) => decodeBinary(name, value));
  }

  /** Replaces all values of a name. */
  set(name: string, value: MetadataValue): void {
    this.delete(name);
    this.append(name, value);
  }

  /** Adds a value behind those that are there. */
  append(name: string, value: MetadataValue): void {
    const key = name.toLowerCase();
    checkName(key);
    this.#fields.push([key, encodeValue(key, value)]);
  }

  delete(name: string): void {
    const key = name.toLowerCase();
    for (let at = this.#fields.length - 1; at >= 0; at--) {
      if (this.#fields[at]?.[0] === key) this.#fields.splice(at, 1);
    }
  }

  /** Wire form, in order. */
  fields(): HeaderList {
    return this.#fields;
  }

  /** Name and value, bytes for "-bin" names. */
  *[Symbol.iterator](): Generator<[name: string, value: MetadataValue]> {
    for (const [name, value] of this.#fields) {
      if (!isBinary(name)) yield [name, value];
      else {for (const one of value.split(",")) {
          yield [name, decodeBinary(name, one)];
        }}
    }
  }
}

function isReserved(name: string): boolean {
  return name.charCodeAt(0) === 0x3a || RESERVED.has(name) ||
    name.startsWith("grpc-");
}

function isBinary(name: string): boolean {
  return name.endsWith("-bin");
}

function checkName(name: string): void {
  if (NAME.test(name) && !isReserved(name)) return;
  throw new ProglogError(
    "invalid_argument",
    `Cannot use "${name}" as a metadata name`,
  );
}

function encodeValue(name: string, value: MetadataValue): string {
  if (typeof value !== "string") {
    if (isBinary(name)) return value.toBase64({ omitPadding: true });
    throw new ProglogError(
      "invalid_argument",
      `Cannot send bytes under the metadata name "${name}" as it does not end in -bin`,
    );
  }
  if (isBinary(name)) {
    throw new ProglogError(
      "invalid_argument",
      `Cannot send text under the metadata name "${name}" as it ends in -bin`,
    );
  }
  if (TEXT_VALUE.test(value)) return value;
  throw new ProglogError(
    "invalid_argument",
    `Cannot send the value of metadata "${name}" as it is not printable ASCII`,
  );
}

/** Accepts padded and unpadded base64. */
function decodeBinary(name: string, value: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(value.trim());
  } catch (cause) {
    throw new ProglogError(
      "invalid_argument",
      `Cannot decode metadata "${name}" as it is not base64`,
      { cause },
    );
  }
}

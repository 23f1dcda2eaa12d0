/**
 * The ring of gossip keys: AES-GCM for the core's `Cipher`, and a file in
 * Serf's format (a JSON array of base64 keys, the first one encrypts). Keys
 * change while the node runs; the file follows before the change counts.
 */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { ProglogError } from "../../../core/errors.ts";
import type { Cipher, CipherInput } from "../../../core/swim/wire/seal.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEYS_MAX = 16;
const ALGORITHM_BY_KEY_BYTES = {
  16: "aes-128-gcm",
  24: "aes-192-gcm",
  32: "aes-256-gcm",
} as const;

/** Where keys come from; the keyring file wins if both are there. */
export interface KeySource {
  /** One base64 key, as `serf keygen` prints it. */
  readonly keyFile?: string;
  /** Serf's keyring file; it is made if it is not there. */
  readonly keyringFile?: string;
}

/** Reads the keys; undefined if there are none, and gossip is plain. */
export async function openKeyring(
  source: KeySource,
): Promise<Keyring | undefined> {
  const stored = await readOptional(source.keyringFile);
  const file = source.keyringFile;
  if (stored !== undefined) {
    return new Keyring(parseKeys(stored, file!), file);
  }
  const key = await readOptional(source.keyFile);
  if (key === undefined) return undefined;
  const keyring = new Keyring([key.trim()], file);
  return keyring;
}

export class Keyring implements Cipher {
  readonly #file: string | undefined;
  #keys: readonly Key[];

  /** `keys` are base64 of 16, 24 or 32 bytes; the first one encrypts. */
  constructor(keys: readonly string[], file?: string) {
    if (keys.length === 0) {
      throw new ProglogError("invalid_argument", "A keyring needs a key");
    }
    this.#keys = keys.map(parseKey);
    this.#file = file;
  }

  /** All keys in base64; the first one encrypts. */
  list(): readonly string[] {
    return this.#keys.map(({ text }) => text);
  }

  /** Takes one more key that may decrypt. */
  async add(text: string): Promise<void> {
    const key = parseKey(text);
    if (this.#has(key.text)) return;
    if (this.#keys.length >= KEYS_MAX) {
      throw new ProglogError("too_large", `A keyring holds ${KEYS_MAX} keys`);
    }
    await this.#replace([...this.#keys, key]);
  }

  /** Encrypts with a key of the ring from now on. */
  async use(text: string): Promise<void> {
    const key = this.#find(text);
    await this.#replace([key, ...this.#without(key)]);
  }

  /** Forgets a key; the one that encrypts has to stay. */
  async remove(text: string): Promise<void> {
    const key = this.#find(text);
    if (key === this.#keys[0]) {
      throw new ProglogError(
        "invalid_argument",
        "Cannot remove the key that encrypts: use another one first",
      );
    }
    await this.#replace(this.#without(key));
  }

  nonce(): Uint8Array {
    return randomBytes(NONCE_BYTES);
  }

  seal(input: CipherInput): Uint8Array {
    const { bytes: key, algorithm } = this.#keys[0]!;
    const cipher = createCipheriv(algorithm, key, input.nonce);
    cipher.setAAD(input.associatedData);
    return plainBytes(Buffer.concat([
      cipher.update(input.bytes),
      cipher.final(),
      cipher.getAuthTag(),
    ]));
  }

  open(input: CipherInput): Uint8Array | undefined {
    for (const key of this.#keys) {
      const plain = decrypt(key, input);
      if (plain !== undefined) return plain;
    }
    return undefined;
  }

  #has(text: string): boolean {
    return this.#keys.some((key) => key.text === text);
  }

  #find(text: string): Key {
    const wanted = parseKey(text).text;
    const key = this.#keys.find((key) => key.text === wanted);
    if (key !== undefined) return key;
    throw new ProglogError("not_found", "The keyring does not hold this key");
  }

  #without(key: Key): Key[] {
    return this.#keys.filter((other) => other !== key);
  }

  async #replace(keys: readonly Key[]): Promise<void> {
    if (this.#file !== undefined) {
      const text = JSON.stringify(keys.map(({ text }) => text), null, 2);
      await writeFile(`${this.#file}.new`, text + "\n", { mode: 0o600 });
      await rename(`${this.#file}.new`, this.#file);
    }
    this.#keys = keys;
  }
}

interface Key {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly algorithm: "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm";
}

function parseKey(text: string): Key {
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  const algorithm =
    ALGORITHM_BY_KEY_BYTES[bytes.length as keyof typeof ALGORITHM_BY_KEY_BYTES];
  if (algorithm === undefined) {
    throw new ProglogError(
      "invalid_argument",
      `A gossip key is base64 of 16, 24 or 32 bytes, not ${bytes.length}`,
    );
  }
  return { text: Buffer.from(bytes).toString("base64"), bytes, algorithm };
}

function parseKeys(json: string, file: string): string[] {
  const keys = parseJson(json, file);
  const isList = Array.isArray(keys) && keys.length > 0 &&
    keys.every((key) => typeof key === "string");
  if (isList) return keys;
  throw new ProglogError(
    "corrupt",
    `Cannot read keyring ${file} as it is no list of keys`,
  );
}

function parseJson(json: string, file: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new ProglogError("corrupt", `Cannot read keyring ${file}`, { cause });
  }
}

function decrypt(key: Key, input: CipherInput): Uint8Array | undefined {
  const end = input.bytes.length - TAG_BYTES;
  const decipher = createDecipheriv(key.algorithm, key.bytes, input.nonce);
  decipher.setAAD(input.associatedData);
  decipher.setAuthTag(input.bytes.subarray(end));
  const plain = decipher.update(input.bytes.subarray(0, end));
  try {
    decipher.final();
  } catch (error) {
    // The tag does not fit: another key, or bytes that someone changed.
    if (error instanceof Error) return undefined;
    throw error;
  }
  return plainBytes(plain);
}

/** A `Buffer` copies nothing on `slice`; the core counts on copies. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

async function readOptional(
  file: string | undefined,
): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new ProglogError("disk_failed", `Cannot read ${file}`, { cause });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

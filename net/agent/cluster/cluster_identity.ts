/**
 * Which cluster this data directory belongs to: the id of the node that founded
 * it. Kept in a file, so that a node that comes back is not taken in elsewhere.
 *
 *   proglog-cluster-id 2 ID CRC\n     CRC-32 of what is before it, in 8 hex digits
 *   ID\n                              version 1, without a check; read, not written
 *
 * Permanent. Callers: the cluster part of an agent.
 */
import { crc32 } from "../../../core/crc32.ts";
import type { Disk } from "../../../core/env.ts";
import { ProglogError } from "../../../core/errors.ts";

const FILE_NAME = "cluster_id";
const ID = /^[\w-]{1,255}$/;
const VERSION_1 = /^([\w-]{1,255})\n$/;
const VERSION_2 = /^(proglog-cluster-id 2 ([\w-]{1,255}) )([0-9a-f]{8})\n$/;
const VERSION_ANY = /^proglog-cluster-id (\d+) /;
const FILE_BYTES_MAX = 512;

/** What cannot be kept is no id of a cluster: gossip may carry anything. */
export function isClusterId(text: string): boolean {
  return ID.test(text);
}

export class ClusterIdentity {
  readonly #disk: Disk;
  readonly #directory: string;
  #id = "";
  #adopting: Promise<void> | undefined;

  /** Reads the file, if it is there. Throws `corrupt`, `disk_failed`. */
  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
    const path = `${directory}/${FILE_NAME}`;
    if (disk.exists(path)) this.#id = decode(read(disk, path), path);
  }

  /** Empty while the node belongs to no cluster. */
  get id(): string {
    return this.#id;
  }

  /** Durable when it resolves. A cluster is joined once and never changed. */
  adopt(id: string): Promise<void> {
    if (this.#id !== "" || !isClusterId(id)) return Promise.resolve();
    this.#adopting ??= this.#write(id);
    return this.#adopting;
  }

  async #write(id: string): Promise<void> {
    const path = `${this.#directory}/${FILE_NAME}`;
    const file = this.#disk.open(`${path}.new`, "create_or_existing");
    try {
      file.truncate(0);
      file.writeAt(new TextEncoder().encode(encode(id)), 0);
      await file.sync();
    } finally {
      file.close();
    }
    this.#disk.rename(`${path}.new`, path);
    await this.#disk.syncDirectory(this.#directory);
    this.#id = id;
  }
}

function encode(id: string): string {
  const checked = `proglog-cluster-id 2 ${id} `;
  return `${checked}${checksumOf(checked)}\n`;
}

function decode(text: string, path: string): string {
  const [, id1] = VERSION_1.exec(text) ?? [];
  if (id1 !== undefined) return id1;
  const [, checked, id2, checksum] = VERSION_2.exec(text) ?? [];
  if (checked === undefined || id2 === undefined) {
    throw unreadable(path, whyUnknown(text));
  }
  if (checksum === checksumOf(checked)) return id2;
  throw unreadable(path, "its checksum does not match");
}

function whyUnknown(text: string): string {
  const [, version = "2"] = VERSION_ANY.exec(text) ?? [];
  return version === "2"
    ? "it is cut short or damaged"
    : `it is of version ${version}, or damaged, and this program knows 1 and 2`;
}

function checksumOf(text: string): string {
  return crc32(new TextEncoder().encode(text)).toString(16).padStart(8, "0");
}

function unreadable(path: string, why: string): ProglogError {
  return new ProglogError(
    "corrupt",
    `Cannot read the cluster id in ${path} as ${why}: remove this file and start again, and the node asks the other members for it`,
    { details: { file: path, position: 0 } },
  );
}

/** Up to a little more than any version has. */
function read(disk: Disk, path: string): string {
  const file = disk.open(path, "existing");
  try {
    const bytes = new Uint8Array(Math.min(file.size(), FILE_BYTES_MAX));
    file.readAt(bytes, 0);
    return new TextDecoder().decode(bytes);
  } finally {
    file.close();
  }
}

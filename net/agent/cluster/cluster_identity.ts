/**
 * Which cluster this data directory belongs to: the id of the node that founded
 * it. Kept in a file, so that a node that comes back is not taken in elsewhere.
 */
import type { Disk } from "../../../core/env.ts";
import { ProglogError } from "../../../core/errors.ts";

const FILE_NAME = "cluster_id";
const ID_BYTES_MAX = 255;

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
    if (disk.exists(path)) this.#id = read(disk, path);
  }

  /** Empty while the node belongs to no cluster. */
  get id(): string {
    return this.#id;
  }

  /** Durable when it resolves. A cluster is joined once and never changed. */
  adopt(id: string): Promise<void> {
    if (this.#id !== "" || id === "") return Promise.resolve();
    this.#adopting ??= this.#write(id);
    return this.#adopting;
  }

  async #write(id: string): Promise<void> {
    const path = `${this.#directory}/${FILE_NAME}`;
    const file = this.#disk.open(`${path}.new`, "create_or_existing");
    try {
      file.truncate(0);
      file.writeAt(new TextEncoder().encode(`${id}\n`), 0);
      await file.sync();
    } finally {
      file.close();
    }
    this.#disk.rename(`${path}.new`, path);
    await this.#disk.syncDirectory(this.#directory);
    this.#id = id;
  }
}

function read(disk: Disk, path: string): string {
  const file = disk.open(path, "existing");
  try {
    const bytes = new Uint8Array(Math.min(file.size(), ID_BYTES_MAX));
    file.readAt(bytes, 0);
    const id = new TextDecoder().decode(bytes).trim();
    if (/^[\w-]+$/.test(id)) return id;
    throw new ProglogError(
      "corrupt",
      `Cannot read the cluster id in ${path} as it is damaged`,
      { details: { file: path, position: 0 } },
    );
  } finally {
    file.close();
  }
}

/**
 * The streams of a connection: open ones by id, and a bounded memory of closed
 * ones, so that a late frame of a stream we reset is told from a broken peer
 * (RFC 9113 section 5.1, "closed").
 */
import { IdTable } from "../../core/id_table.ts";
import type { Role } from "./settings.ts";
import type { Stream } from "./stream.ts";

/** How a stream came to its end. */
export type Fate = "ended" | "reset_by_us" | "reset_by_peer";

/** What an id without an open stream means. */
export type Absence = Fate | "idle" | "forgotten";

export class Streams {
  readonly #role: Role;
  readonly #open = new IdTable<Stream>();
  /** Each fate has a memory of its own: ended streams must not push out reset ones. */
  readonly #closed: Record<Fate, IdRing>;
  #lastPeerId = 0;
  #lastLocalId: number;

  constructor(role: Role, rememberedMax: number) {
    this.#role = role;
    this.#lastLocalId = role === "client" ? -1 : 0;
    this.#closed = {
      ended: new IdRing(rememberedMax),
      reset_by_us: new IdRing(rememberedMax),
      reset_by_peer: new IdRing(rememberedMax),
    };
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Highest stream that the peer opened; 0 for none. */
  get lastPeerId(): number {
    return this.#lastPeerId;
  }

  get(id: number): Stream | undefined {
    return this.#open.get(id);
  }

  all(): Stream[] {
    return this.#open.values();
  }

  /** The id that our next stream would take. */
  nextLocalId(): number {
    return this.#lastLocalId + 2;
  }

  add(stream: Stream): void {
    this.#open.set(stream.id, stream);
    if (this.#role === "client") this.#lastLocalId = stream.id;
  }

  /** Ids up to `id` are used from now on, even if the stream is refused. */
  notePeerId(id: number): void {
    this.#lastPeerId = id;
  }

  close(stream: Stream, fate: Fate): void {
    this.#open.delete(stream.id);
    this.remember(stream.id, fate);
  }

  remember(id: number, fate: Fate): void {
    this.#closed[fate].add(id);
  }

  clear(): void {
    this.#open.clear();
  }

  whyAbsent(id: number): Absence {
    if (this.isIdle(id)) return "idle";
    if (this.#closed.reset_by_us.has(id)) return "reset_by_us";
    if (this.#closed.ended.has(id)) return "ended";
    if (this.#closed.reset_by_peer.has(id)) return "reset_by_peer";
    return "forgotten";
  }

  /** A client's streams are odd; there are no others, as push is off. */
  isIdle(id: number): boolean {
    if (id % 2 === 0) return true;
    return id >
      (this.#role === "client" ? this.#lastLocalId : this.#lastPeerId);
  }
}

/** The last ids that were added. */
class IdRing {
  readonly #ids: Uint32Array;
  #next = 0;

  constructor(size: number) {
    this.#ids = new Uint32Array(size);
  }

  add(id: number): void {
    this.#ids[this.#next] = id;
    this.#next = this.#next + 1 === this.#ids.length ? 0 : this.#next + 1;
  }

  has(id: number): boolean {
    return this.#ids.includes(id);
  }
}

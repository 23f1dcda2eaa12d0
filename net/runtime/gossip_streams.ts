/**
 * The open streams of a gossip node, by the core's numbers: does the core's
 * work on them and takes what they bring back to it.
 */
import { unreachable } from "../../core/assert.ts";
import type { StreamWork } from "../../core/swim/state.ts";
import type {
  GossipStream,
  GossipTransport,
  StreamHandler,
} from "../transport/gossip/types.ts";

/** Hears of all streams. */
export interface StreamsHandler {
  data(streamId: number, bytes: Uint8Array): void;
  closed(streamId: number, reason: string): void;
}

export class GossipStreams {
  readonly #handler: StreamsHandler;
  readonly #streams = new Map<number, GossipStream>();

  constructor(handler: StreamsHandler) {
    this.#handler = handler;
  }

  /** Takes a stream on; the handler that its events are for. */
  add(streamId: number, stream: GossipStream): StreamHandler {
    this.#streams.set(streamId, stream);
    return this.#handlerOf(streamId);
  }

  do(work: StreamWork, transport: GossipTransport): void {
    const { streamId } = work;
    switch (work.kind) {
      case "open": {
        const stream = transport.open(work.to, this.#handlerOf(streamId));
        this.#streams.set(streamId, stream);
        return stream.write(work.bytes);
      }
      case "send":
        return this.#streams.get(streamId)?.write(work.bytes);
      case "close":
        this.#streams.get(streamId)?.end();
        this.#streams.delete(streamId);
        return;
      default:
        return unreachable(work);
    }
  }

  clear(): void {
    this.#streams.clear();
  }

  #handlerOf(streamId: number): StreamHandler {
    return {
      data: (bytes) => this.#handler.data(streamId, bytes),
      closed: (reason) => {
        this.#handler.closed(streamId, reason);
        this.#streams.delete(streamId);
      },
    };
  }
}

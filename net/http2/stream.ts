/**
 * One open stream (RFC 9113 section 5.1). Each side of it ends on its own; idle
 * and closed streams have no object: see streams.ts.
 *
 *            opened by HEADERS
 *                   |
 *                 open ------ END_STREAM sent -----> half_closed_local
 *                   |                                        |
 *          END_STREAM received                      END_STREAM received
 *                   v                                        v
 *         half_closed_remote -- END_STREAM sent --------> closed
 *
 *   RST_STREAM, either way, closes from every state.
 */
import { ReceiveWindow, SendWindow } from "./flow.ts";
import type { HeaderList } from "./types.ts";
import { SendQueue } from "./send_queue.ts";

export class Stream {
  readonly id: number;
  readonly receiveWindow: ReceiveWindow;
  readonly sendWindow: SendWindow;
  /** Made when data must wait: most streams of a fast peer never need one. */
  queue: SendQueue | undefined;
  /** What ends our side once the queue is empty. */
  pendingEnd: "none" | "end_stream" | "trailers" = "none";
  pendingTrailers: HeaderList | undefined;
  /** `sendData` said false and "writable" is owed. */
  isBlocked = false;
  hasLocalEnded = false;
  hasRemoteEnded = false;
  isClosed = false;
  hasRemoteHead: boolean;
  /** Credit of data that the layer above has not released. */
  heldBytes = 0;
  /** Body bytes still to come by content-length; undefined if it was not given. */
  bodyLeftBytes: number | undefined = undefined;
  /** A response to HEAD tells the length of a body that does not come. */
  readonly isHeadRequest: boolean;

  constructor(
    options: {
      id: number;
      receiveWindowBytes: number;
      sendWindowBytes: number;
      openedBy: "peer" | "us";
      isHeadRequest: boolean;
    },
  ) {
    this.id = options.id;
    this.receiveWindow = new ReceiveWindow(options.receiveWindowBytes);
    this.sendWindow = new SendWindow(options.sendWindowBytes);
    this.hasRemoteHead = options.openedBy === "peer";
    this.isHeadRequest = options.isHeadRequest;
  }

  get queuedBytes(): number {
    return this.queue === undefined ? 0 : this.queue.bytes;
  }

  /** Whether more may be given to our side: it did not end and no end is queued. */
  get isSendable(): boolean {
    return !this.isClosed && !this.hasLocalEnded && this.pendingEnd === "none";
  }
}

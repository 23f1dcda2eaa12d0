/**
 * HEADERS and CONTINUATION from the peer (RFC 9113 sections 6.2 and 6.10), put
 * together to header blocks within their limits. One object per connection; what
 * a block means is receive_section.ts.
 *
 *   +---------------+
 *   | pad length (8)|  only with PADDED
 *   +-+-------------+-----------------------------------------------+
 *   |E| stream dependency (31), weight (8)   only with PRIORITY     |
 *   +-+-------------------------------------------------------------+
 *   | header block fragment ...                                     |
 *   +---------------------------------------------------------------+
 *   | padding ...      only with PADDED                             |
 *   +---------------------------------------------------------------+
 */
import {
  ENHANCE_YOUR_CALM,
  type Fault,
  fault,
  FRAME_SIZE_ERROR,
  PROTOCOL_ERROR,
} from "./error_code.ts";
import {
  END_HEADERS,
  END_STREAM,
  type FrameHead,
  PADDED,
  PRIORITY_FLAG,
} from "./frame.ts";
import { receiveBlock } from "./receive_section.ts";
import type { Session } from "./session.ts";

const PRIORITY_BYTES = 5;

/** A block whose END_HEADERS is still to come. */
interface OpenBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly fragments: Uint8Array[];
  bytes: number;
  continuations: number;
}

export class HeadersReceiver {
  readonly #session: Session;
  #open: OpenBlock | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** The stream that CONTINUATION must come for; undefined when none is due. */
  get continuedStreamId(): number | undefined {
    return this.#open?.streamId;
  }

  begin(head: Readonly<FrameHead>): Fault | undefined {
    if (head.streamId === 0) {
      return fault(PROTOCOL_ERROR, "HEADERS has no stream");
    }
    return this.#checkBlockBytes(head.length);
  }

  beginContinuation(head: Readonly<FrameHead>): Fault | undefined {
    const open = this.#open;
    if (open === undefined) {
      return fault(PROTOCOL_ERROR, "CONTINUATION continues nothing");
    }
    open.continuations += 1;
    if (open.continuations > this.#session.limits.continuationFramesMax) {
      return fault(ENHANCE_YOUR_CALM, "Header block has too many frames");
    }
    return this.#checkBlockBytes(open.bytes + head.length);
  }

  #checkBlockBytes(bytes: number): Fault | undefined {
    if (bytes <= this.#session.limits.headerBlockMaxBytes) return undefined;
    return fault(ENHANCE_YOUR_CALM, "Header block is too large");
  }

  headers(
    head: Readonly<FrameHead>,
    bytes: Uint8Array,
    from: number,
    end: number,
  ): Fault | undefined {
    if ((head.flags & PADDED) !== 0) {
      if (from === end) {
        return fault(FRAME_SIZE_ERROR, "HEADERS has no pad length");
      }
      end -= bytes[from]!;
      from += 1;
    }
    if ((head.flags & PRIORITY_FLAG) !== 0) from += PRIORITY_BYTES;
    if (from > end) {
      return fault(PROTOCOL_ERROR, "Padding is longer than its HEADERS frame");
    }
    const { streamId } = head;
    const endStream = (head.flags & END_STREAM) !== 0;
    if ((head.flags & END_HEADERS) !== 0) {
      return receiveBlock(this.#session, {
        streamId,
        endStream,
        bytes,
        from,
        end,
      });
    }
    this.#open = {
      streamId,
      endStream,
      fragments: [bytes.slice(from, end)],
      bytes: end - from,
      continuations: 0,
    };
    return undefined;
  }

  continuation(
    head: Readonly<FrameHead>,
    bytes: Uint8Array,
    from: number,
    end: number,
  ): Fault | undefined {
    const open = this.#open!;
    open.fragments.push(bytes.slice(from, end));
    open.bytes += end - from;
    if ((head.flags & END_HEADERS) === 0) return undefined;
    this.#open = undefined;
    return receiveBlock(this.#session, {
      streamId: open.streamId,
      endStream: open.endStream,
      bytes: joined(open),
      from: 0,
      end: open.bytes,
    });
  }
}

function joined(block: OpenBlock): Uint8Array {
  const bytes = new Uint8Array(block.bytes);
  let position = 0;
  for (const fragment of block.fragments) {
    bytes.set(fragment, position);
    position += fragment.length;
  }
  return bytes;
}

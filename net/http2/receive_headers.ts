/**
 * HEADERS and CONTINUATION from the peer (RFC 9113 sections 6.2 and 6.10), to
 * heads and trailers. Every block is decoded, even of a stream that is refused,
 * because the header table must follow. One object per connection.
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
  COMPRESSION_ERROR,
  ENHANCE_YOUR_CALM,
  type Fault,
  fault,
  FRAME_SIZE_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
} from "./error_code.ts";
import {
  END_HEADERS,
  END_STREAM,
  type FrameHead,
  PADDED,
  PRIORITY_FLAG,
} from "./frame.ts";
import {
  judgeSection,
  type SectionFindings,
  type SectionKind,
} from "./message_rules.ts";
import type { DecodeResult } from "./hpack/decoder.ts";
import type { Session } from "./session.ts";
import type { Stream } from "./stream.ts";

const PRIORITY_BYTES = 5;

/** A block whose END_HEADERS is still to come. */
interface OpenBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly fragments: Uint8Array[];
  bytes: number;
  continuations: number;
}

/** A whole block of a stream. */
interface Section {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly decoded: Exclude<DecodeResult<SectionFindings>, { kind: "broken" }>;
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
      return this.#decode({ streamId, endStream }, bytes, from, end);
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
    return this.#decode(open, joined(open), 0, open.bytes);
  }

  #decode(
    block: { streamId: number; endStream: boolean },
    bytes: Uint8Array,
    from: number,
    end: number,
  ): Fault | undefined {
    const { streamId, endStream } = block;
    const decoded = this.#session.decoder.decode(bytes, from, end);
    if (decoded.kind === "broken") {
      return fault(COMPRESSION_ERROR, decoded.message);
    }
    const section: Section = { streamId, endStream, decoded };
    const stream = this.#session.streams.get(streamId);
    if (stream !== undefined) return this.#takeSection(stream, section);
    return this.#session.role === "server"
      ? this.#openByPeer(section)
      : this.#takeAbsent(section);
  }

  /** Server: a request, on a stream that is new. */
  #openByPeer(section: Section): Fault | undefined {
    const { role, limits, streams, lastServedId } = this.#session;
    const { streamId, endStream } = section;
    if (role !== "server" || !isClientStream(streamId)) {
      return fault(PROTOCOL_ERROR, `Client opened stream ${streamId}`);
    }
    if (!streams.isIdle(streamId)) return this.#takeAbsent(section);
    streams.notePeerId(streamId);
    if (lastServedId !== undefined) {
      // Above our GOAWAY: the client knows that nobody will answer.
      streams.remember(streamId, "reset_by_us");
      return this.#session.floods.count("ignoredFrames");
    }
    if (streams.openCount >= limits.concurrentStreamsMax) {
      return this.#session.streamError(streamId, REFUSED_STREAM);
    }
    const judged = judge(section, "request");
    if (typeof judged === "number") {
      return this.#session.streamError(streamId, judged);
    }
    const length = judged.findings.contentLength;
    if (endStream && (length ?? 0) > 0) {
      return this.#session.streamError(streamId, PROTOCOL_ERROR);
    }
    const stream = this.#session.openStream(streamId, { isHeadRequest: false });
    stream.bodyLeftBytes = length;
    stream.hasRemoteEnded = endStream;
    const { headers } = judged;
    this.#session.emit({ kind: "headers", streamId, headers, endStream });
    return undefined;
  }

  /** HEADERS for a stream that is not open any more, or never was. */
  #takeAbsent({ streamId }: Section): Fault | undefined {
    const absence = this.#session.streams.whyAbsent(streamId);
    switch (absence) {
      case "reset_by_us":
        return this.#session.floods.count("ignoredFrames");
      case "ended":
        return fault(STREAM_CLOSED, "HEADERS is on a stream that ended");
      case "reset_by_peer":
        return this.#session.streamError(streamId, STREAM_CLOSED);
      case "idle":
      case "forgotten":
        return fault(PROTOCOL_ERROR, "HEADERS is on a stream that is not open");
    }
  }

  /** Response head or trailers of an open stream. */
  #takeSection(stream: Stream, section: Section): Fault | undefined {
    const { streamId, endStream } = section;
    if (stream.hasRemoteEnded) {
      return this.#session.streamError(streamId, STREAM_CLOSED);
    }
    const kind = stream.hasRemoteHead ? "trailers" : "response";
    const judged = judge(section, kind);
    if (typeof judged === "number") {
      return this.#session.streamError(streamId, judged);
    }
    const { findings, headers } = judged;
    const isInterim = kind === "response" && findings.status < 200;
    if (endStream ? isInterim : kind === "trailers") {
      return this.#session.streamError(streamId, PROTOCOL_ERROR);
    }
    // Interim responses (RFC 9110 section 15.2) say nothing that gRPC uses.
    if (isInterim) return this.#session.floods.count("ignoredFrames");
    if (kind === "response") {
      stream.hasRemoteHead = true;
      stream.bodyLeftBytes = bodyBytes(stream, findings);
    }
    if (endStream && (stream.bodyLeftBytes ?? 0) > 0) {
      return this.#session.streamError(streamId, PROTOCOL_ERROR);
    }
    stream.hasRemoteEnded = endStream;
    this.#session.emit({ kind: "headers", streamId, headers, endStream });
    if (endStream) this.#session.closeIfEnded(stream);
    return undefined;
  }
}

/** The list and what it says, or the code of the stream error that it is. */
function judge(section: Section, kind: SectionKind) {
  const { decoded } = section;
  if (decoded.kind === "too_large") return ENHANCE_YOUR_CALM;
  const findings = judgeSection(decoded.block, kind);
  if (findings.kind === "malformed") return PROTOCOL_ERROR;
  return { findings, headers: decoded.block.headers };
}

/** What a response's content-length promises (RFC 9110 section 6.4.1). */
function bodyBytes(
  stream: Stream,
  findings: { status: number; contentLength: number | undefined },
): number | undefined {
  const hasNoBody = stream.isHeadRequest || findings.status === 304;
  return hasNoBody ? undefined : findings.contentLength;
}

function isClientStream(streamId: number): boolean {
  return streamId % 2 === 1;
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

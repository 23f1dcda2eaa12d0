/**
 * What a header block means: a request, a response head or trailers, for a stream
 * that is open or not (RFC 9113 sections 5.1 and 8.1). Every block is decoded, even
 * of a stream that is refused, because the header table must follow.
 * Caller: receive_headers.ts.
 */
import {
  COMPRESSION_ERROR,
  ENHANCE_YOUR_CALM,
  type Fault,
  fault,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
} from "./error_code.ts";
import type { DecodeResult } from "./hpack/decoder.ts";
import {
  judgeSection,
  type SectionFindings,
  type SectionKind,
} from "./message_rules.ts";
import type { Session } from "./session.ts";
import type { Stream } from "./stream.ts";

/** A whole header block, still encoded: `from` to `end` of `bytes`. */
export interface EncodedBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly end: number;
}

/** The same, decoded. */
interface Section {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly decoded: Exclude<DecodeResult<SectionFindings>, { kind: "broken" }>;
}

/** Decodes a block and gives it to its stream. */
export function receiveBlock(
  session: Session,
  block: EncodedBlock,
): Fault | undefined {
  const { streamId, endStream } = block;
  const decoded = session.decoder.decode(block.bytes, block.from, block.end);
  if (decoded.kind === "broken") {
    return fault(COMPRESSION_ERROR, decoded.message);
  }
  const section: Section = { streamId, endStream, decoded };
  const stream = session.streams.get(streamId);
  if (stream !== undefined) return takeSection(session, stream, section);
  return session.role === "server"
    ? openByPeer(session, section)
    : takeAbsent(session, section);
}

/** Server: a request, on a stream that is new. */
function openByPeer(
  session: Session,
  section: Section,
): Fault | undefined {
  const { limits, streams, lastServedId } = session;
  const { streamId, endStream } = section;
  if (!isClientStream(streamId)) {
    return fault(PROTOCOL_ERROR, `Client opened stream ${streamId}`);
  }
  if (!streams.isIdle(streamId)) return takeAbsent(session, section);
  streams.notePeerId(streamId);
  if (lastServedId !== undefined) {
    // Above our GOAWAY: the client knows that nobody will answer.
    streams.remember(streamId, "reset_by_us");
    return session.floods.count("ignoredFrames");
  }
  if (streams.openCount >= limits.concurrentStreamsMax) {
    return session.streamError(streamId, REFUSED_STREAM);
  }
  const judged = judge(section, "request");
  if (typeof judged === "number") {
    return session.streamError(streamId, judged);
  }
  const length = judged.findings.contentLength;
  if (endStream && (length ?? 0) > 0) {
    return session.streamError(streamId, PROTOCOL_ERROR);
  }
  const stream = session.openStream(streamId, { isHeadRequest: false });
  stream.bodyLeftBytes = length;
  stream.hasRemoteEnded = endStream;
  const { headers } = judged;
  session.emit({ kind: "headers", streamId, headers, endStream });
  return undefined;
}

/** HEADERS for a stream that is not open any more, or never was. */
function takeAbsent(
  session: Session,
  { streamId }: Section,
): Fault | undefined {
  const absence = session.streams.whyAbsent(streamId);
  switch (absence) {
    case "reset_by_us":
      return session.floods.count("ignoredFrames");
    case "ended":
      return fault(STREAM_CLOSED, "HEADERS is on a stream that ended");
    case "reset_by_peer":
      return session.streamError(streamId, STREAM_CLOSED);
    case "forgotten":
      // An answer to a request that we gave up long ago.
      if (session.role === "client") {
        return session.floods.count("ignoredFrames");
      }
      return fault(PROTOCOL_ERROR, "HEADERS is on a stream below the last");
    case "idle":
      return fault(PROTOCOL_ERROR, "HEADERS is on an idle stream");
  }
}

/** Response head or trailers of an open stream. */
function takeSection(
  session: Session,
  stream: Stream,
  section: Section,
): Fault | undefined {
  const { streamId, endStream } = section;
  if (stream.hasRemoteEnded) {
    return session.streamError(streamId, STREAM_CLOSED);
  }
  const kind = stream.hasRemoteHead ? "trailers" : "response";
  const judged = judge(section, kind);
  if (typeof judged === "number") {
    return session.streamError(streamId, judged);
  }
  const { findings, headers } = judged;
  const isInterim = kind === "response" && findings.status < 200;
  if (endStream ? isInterim : kind === "trailers") {
    return session.streamError(streamId, PROTOCOL_ERROR);
  }
  // Interim responses (RFC 9110 section 15.2) say nothing that gRPC uses.
  if (isInterim) return session.floods.count("ignoredFrames");
  if (kind === "response") {
    stream.hasRemoteHead = true;
    stream.bodyLeftBytes = bodyBytes(stream, findings);
  }
  if (endStream && (stream.bodyLeftBytes ?? 0) > 0) {
    return session.streamError(streamId, PROTOCOL_ERROR);
  }
  stream.hasRemoteEnded = endStream;
  session.emit({ kind: "headers", streamId, headers, endStream });
  if (endStream) session.closeIfEnded(stream);
  return undefined;
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

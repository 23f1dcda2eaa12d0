/**
 * The head of a request: what HTTP/2 carries of a call, read once and checked
 * (gRPC over HTTP/2 protocol, "Requests").
 */
import type { HeaderList } from "../http2/mod.ts";
import {
  ACCEPT_ENCODING,
  type Compression,
  isCompression,
} from "./compression.ts";
import { STATUS, StatusError } from "./status.ts";
import { parseTimeout } from "./timeout.ts";

export interface RequestHead {
  readonly path: string;
  readonly timeoutMs: number | undefined;
  /** How the messages of the client are compressed, where flagged. */
  readonly compression: Compression;
  readonly acceptsGzip: boolean;
}

/** Why a request is no gRPC call that can be started. */
export type HeadRefusal =
  /** Not gRPC at all: answered in terms of HTTP. */
  | { readonly kind: "http"; readonly httpStatus: "405" | "415" }
  | { readonly kind: "status"; readonly error: StatusError };

export type HeadResult =
  | { readonly ok: true; readonly head: RequestHead }
  | { readonly ok: false; readonly refusal: HeadRefusal };

export function readRequestHead(headers: HeaderList): HeadResult {
  const fields = pickFields(headers);
  if (fields.method !== "POST") return refuseHttp("405");
  if (!isGrpc(fields.contentType)) return refuseHttp("415");
  const { path, timeout, encoding } = fields;
  if (!isCompression(encoding)) return refuse(unknownEncoding(encoding));
  const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
  if (timeout !== undefined && timeoutMs === undefined) {
    return refuse(badTimeout(timeout));
  }
  const acceptsGzip = fields.accepted.includes("gzip");
  return {
    ok: true,
    head: { path, timeoutMs, compression: encoding, acceptsGzip },
  };
}

/** One pass over the list: this runs for every call. */
function pickFields(headers: HeaderList) {
  let method = "", path = "", contentType = "", accepted = "";
  let timeout: string | undefined;
  let encoding = "identity";
  for (const [name, value] of headers) {
    if (name === ":method") method = value;
    else if (name === ":path") path = value;
    else if (name === "content-type") contentType = value;
    else if (name === "grpc-timeout") timeout = value;
    else if (name === "grpc-encoding") encoding = value;
    else if (name === "grpc-accept-encoding") accepted = value;
  }
  return { method, path, contentType, timeout, encoding, accepted };
}

/** "application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8". */
function isGrpc(contentType: string): boolean {
  if (contentType === "application/grpc") return true;
  return /^application\/grpc(?:\+proto)?(?:\s*;|$)/i.test(contentType);
}

function refuseHttp(httpStatus: "405" | "415"): HeadResult {
  return { ok: false, refusal: { kind: "http", httpStatus } };
}

function refuse(error: StatusError): HeadResult {
  return { ok: false, refusal: { kind: "status", error } };
}

function unknownEncoding(encoding: string): StatusError {
  return new StatusError(
    STATUS.UNIMPLEMENTED,
    `Cannot read messages in grpc-encoding "${encoding}" as only ${ACCEPT_ENCODING} are known`,
  );
}

function badTimeout(timeout: string): StatusError {
  return new StatusError(
    STATUS.INTERNAL,
    `Cannot read grpc-timeout "${timeout}" as it is not up to 8 digits and a unit`,
  );
}

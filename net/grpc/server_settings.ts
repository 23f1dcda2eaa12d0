/**
 * What all calls of a server share: limits, the constant header lists, the
 * deadline queue, and how a thrown error becomes a status.
 */
import type { HeaderList } from "../http2/mod.ts";
import { ACCEPT_ENCODING, type Compression } from "./compression.ts";
import type { DeadlineQueue } from "./deadlines.ts";
import { STATUS, type StatusCode, StatusError } from "./status.ts";
import type { Methods, ServerCall } from "./types.ts";

export interface ServerHooks {
  /**
   * Authentication and authorization: called once a call, before the handler.
   * It refuses the call by throwing (a StatusError, or what `statusOf` knows).
   */
  readonly intercept?: (call: ServerCall) => void;
  /** Turns errors of the product into a status; undefined means "not known". */
  readonly statusOf?: (error: unknown) => StatusError | undefined;
  /** A handler threw something unknown: the caller sees only INTERNAL. */
  readonly onHandlerError?: (error: unknown, call: ServerCall) => void;
  /** For metrics and request logs. */
  readonly onCallEnd?: (call: ServerCall, code: StatusCode) => void;
}

export interface ServerSettings {
  readonly methods: Methods;
  readonly messageSizeMaxBytes: number;
  readonly responseCompression: Compression;
  readonly deadlines: DeadlineQueue;
  readonly intercept: ServerHooks["intercept"];
  readonly onCallEnd: ServerHooks["onCallEnd"];
  readonly statusOf: (error: unknown, call: ServerCall) => StatusError;
  /** Constant lists: the encoder knows them again. */
  readonly head: HeaderList;
  readonly headGzip: HeaderList;
  readonly trailersOk: HeaderList;
}

export interface ServerSettingsOptions extends ServerHooks {
  readonly methods: Methods;
  readonly messageSizeMaxBytes: number;
  readonly responseCompression: Compression;
  readonly deadlines: DeadlineQueue;
}

export function serverSettings(options: ServerSettingsOptions): ServerSettings {
  return {
    methods: options.methods,
    messageSizeMaxBytes: options.messageSizeMaxBytes,
    responseCompression: options.responseCompression,
    deadlines: options.deadlines,
    intercept: options.intercept,
    onCallEnd: options.onCallEnd,
    statusOf: (error, call) => asStatus(error, call, options),
    head: responseHead("identity"),
    headGzip: responseHead("gzip"),
    trailersOk: [["grpc-status", "0"]],
  };
}

function responseHead(compression: Compression): HeaderList {
  return [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-encoding", compression],
    ["grpc-accept-encoding", ACCEPT_ENCODING],
  ];
}

function asStatus(
  error: unknown,
  call: ServerCall,
  hooks: ServerHooks,
): StatusError {
  if (error instanceof StatusError) return error;
  const known = hooks.statusOf?.(error);
  if (known !== undefined) return known;
  hooks.onHandlerError?.(error, call);
  return new StatusError(STATUS.INTERNAL, "The server failed internally");
}

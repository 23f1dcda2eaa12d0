/**
 * HTTP/2 for the layers above: makes connection machines (see types.ts), and
 * passes on their limits and error codes.
 */
import { Connection } from "./connection.ts";
import type { Http2Limits } from "./limits.ts";
import type { Http2Connection } from "./types.ts";

export * from "./error_code.ts";
export { defaultHttp2Limits, type Http2Limits } from "./limits.ts";
export type {
  ErrorCode,
  HeaderField,
  HeaderList,
  Http2Connection,
  Http2Event,
} from "./types.ts";

/** Milliseconds of a clock that never goes back, as `receive` gets them later. */
export interface ConnectionOptions {
  readonly limits: Http2Limits;
  readonly nowMs: number;
}

/** Its SETTINGS are in the output at once. */
export function createServerConnection(
  options: ConnectionOptions,
): Http2Connection {
  return new Connection("server", options);
}

/** The preface and its SETTINGS are in the output at once; requests may follow. */
export function createClientConnection(
  options: ConnectionOptions,
): Http2Connection {
  return new Connection("client", options);
}

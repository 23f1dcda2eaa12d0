/** Unary calls on the server: one message in, one out. */
import type { RequestReader, ServerStream } from "./server_stream.ts";
import { SingleRequest } from "./single_request.ts";
import type { UnaryHandler } from "./types.ts";

export function readUnary(
  handle: UnaryHandler,
  stream: ServerStream,
): RequestReader {
  return new SingleRequest(stream, (request) => run(handle, request, stream));
}

function run(
  handle: UnaryHandler,
  request: Uint8Array,
  stream: ServerStream,
): void {
  try {
    const response = handle(request, stream);
    if (response instanceof Uint8Array) return stream.answer(response);
    response.then(
      (message) => stream.answer(message),
      (error) => stream.failWith(error),
    );
  } catch (error) {
    stream.failWith(error);
  }
}

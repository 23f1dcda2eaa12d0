/** Server-streaming calls on the server: one message in, many out. */
import type { RequestReader, ServerStream } from "./server_stream.ts";
import { SingleRequest } from "./single_request.ts";
import type { ServerStreamHandler } from "./types.ts";

export function readServerStreaming(
  handle: ServerStreamHandler,
  stream: ServerStream,
): RequestReader {
  return new SingleRequest(stream, (request) => {
    run(handle, request, stream).catch((error) => stream.failWith(error));
  });
}

async function run(
  handle: ServerStreamHandler,
  request: Uint8Array,
  stream: ServerStream,
): Promise<void> {
  await handle(request, stream.sink, stream);
  stream.finish();
}

/** Bidirectional calls on the server: many messages in, many out. */
import { RequestStream } from "./request_stream.ts";
import type { RequestReader, ServerStream } from "./server_stream.ts";
import type { BidiHandler } from "./types.ts";

export function readBidi(
  handle: BidiHandler,
  stream: ServerStream,
): RequestReader {
  const requests = new RequestStream(stream);
  run(handle, requests, stream).catch((error) => stream.failWith(error));
  return requests;
}

async function run(
  handle: BidiHandler,
  requests: RequestStream,
  stream: ServerStream,
): Promise<void> {
  await handle(requests.messages, stream.sink, stream);
  stream.finish();
}

/** Client-streaming calls on the server: many messages in, one out. */
import { RequestStream } from "./request_stream.ts";
import type { RequestReader, ServerStream } from "./server_stream.ts";
import type { ClientStreamHandler } from "./types.ts";

export function readClientStreaming(
  handle: ClientStreamHandler,
  stream: ServerStream,
): RequestReader {
  const requests = new RequestStream(stream);
  run(handle, requests, stream).catch((error) => stream.failWith(error));
  return requests;
}

async function run(
  handle: ClientStreamHandler,
  requests: RequestStream,
  stream: ServerStream,
): Promise<void> {
  stream.answer(await handle(requests.messages, stream));
}

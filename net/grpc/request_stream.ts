/**
 * The request half of calls that take many messages: client-streaming and bidi.
 * The handler starts with the call and reads at its own pace.
 */
import { MessageQueue } from "./message_queue.ts";
import type { RequestReader, ServerStream } from "./server_stream.ts";
import type { StatusError } from "./status.ts";

export class RequestStream implements RequestReader {
  readonly messages: MessageQueue;

  constructor(stream: ServerStream) {
    this.messages = new MessageQueue({
      onTaken: () => stream.releaseCredit(),
      onAbandoned: () => undefined,
    });
  }

  get unreadBytes(): number {
    return this.messages.queuedBytes;
  }

  message(message: Uint8Array): void {
    this.messages.push(message);
  }

  end(): void {
    this.messages.end();
  }

  abort(error: StatusError): void {
    this.messages.fail(error);
  }
}

/**
 * The request half of calls that take exactly one message: unary and
 * server-streaming. Runs the call when the client has sent all.
 */
import type { RequestReader, ServerStream } from "./server_stream.ts";
import { STATUS, StatusError } from "./status.ts";

export class SingleRequest implements RequestReader {
  readonly #stream: ServerStream;
  readonly #run: (request: Uint8Array) => void;
  #request: Uint8Array | undefined;
  readonly unreadBytes = 0;

  constructor(stream: ServerStream, run: (request: Uint8Array) => void) {
    this.#stream = stream;
    this.#run = run;
  }

  message(message: Uint8Array): void {
    if (this.#request === undefined) this.#request = message;
    else this.#stream.fail(wrongCount("more than one message"));
  }

  end(): void {
    if (this.#request === undefined) {
      this.#stream.fail(wrongCount("no message"));
    } else this.#run(this.#request);
  }

  abort(): void {
    this.#request = undefined;
  }
}

function wrongCount(what: string): StatusError {
  return new StatusError(
    STATUS.UNIMPLEMENTED,
    `Cannot handle a request of ${what} as the method takes exactly one`,
  );
}

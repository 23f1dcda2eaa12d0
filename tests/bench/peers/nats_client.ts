/**
 * A small NATS client: publish with a reply subject, requests, subscriptions.
 * For benchmarks.
 */
import type { Socket } from "node:net";
import { openSocket } from "./peer.ts";
import { concat } from "./resp_client.ts";

export interface Message {
  readonly subject: string;
  readonly reply: string;
  /** Its status line and headers; empty when there are none. */
  readonly headers: string;
  readonly payload: Uint8Array;
}

type Listener = (message: Message) => void;

const utf8 = new TextEncoder();
const text = new TextDecoder("latin1");
const CR = 13;
const END = utf8.encode("\r\n");

export class NatsClient {
  /** Subjects below it come back to this connection. */
  readonly inbox = `_INBOX.${crypto.randomUUID().replaceAll("-", "")}`;
  readonly #socket: Socket;
  readonly #listeners = new Map<string, Listener>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<never>();
  #unread: Uint8Array = new Uint8Array(0);
  #nextId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#failed.promise.catch(() => undefined);
    socket.on("data", (chunk) => this.#receive(chunk as Uint8Array));
    socket.on("error", (error) => this.#failed.reject(error));
    socket.on(
      "close",
      () => this.#failed.reject(new Error("the server has closed")),
    );
  }

  static async connect(port: number): Promise<NatsClient> {
    const client = new NatsClient(await openSocket(port));
    client.#write('CONNECT {"verbose":false,"headers":true}\r\nPING\r\n');
    await Promise.race([client.#ready.promise, client.failed]);
    return client;
  }

  /** Rejects when the connection is of no more use. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  subscribe(subject: string, listener: Listener): void {
    const id = `${this.#nextId++}`;
    this.#listeners.set(id, listener);
    this.#write(`SUB ${subject} ${id}\r\n`);
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Asks the server; throws what it refuses. */
  async request(subject: string, body: unknown): Promise<unknown> {
    const reply = `${this.inbox}.request${this.#nextId}`;
    const answered = new Promise<Message>((resolve) =>
      this.subscribe(reply, resolve)
    );
    const payload = utf8.encode(JSON.stringify(body));
    this.write(encodePublish({ subject, reply, payload }));
    const message = await Promise.race([answered, this.failed]);
    const answer = JSON.parse(text.decode(message.payload));
    if (answer.error) {
      throw new Error(`NATS refused: ${answer.error.description}`);
    }
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }

  #write(line: string): void {
    this.#socket.write(line);
  }

  #receive(chunk: Uint8Array): void {
    const bytes = this.#unread.length === 0
      ? chunk
      : concat(this.#unread, chunk);
    let at = 0;
    try {
      while (at < bytes.length) {
        const end = this.#take(bytes, at);
        if (end === undefined) break;
        at = end;
      }
    } catch (error) {
      this.#failed.reject(error); // A listener did not like its message.
    }
    this.#unread = bytes.slice(at);
  }

  /** Handles one line, and the payload behind it; undefined while it is not whole. */
  #take(bytes: Uint8Array, at: number): number | undefined {
    const lineEnd = bytes.indexOf(CR, at);
    if (lineEnd < 0 || lineEnd + 1 >= bytes.length) return undefined;
    const words = text.decode(bytes.subarray(at, lineEnd)).split(" ");
    const from = lineEnd + 2;
    switch (words[0]) {
      case "MSG":
      case "HMSG":
        return this.#takeMessage(bytes, { words, from });
      case "PING":
        this.#write("PONG\r\n");
        return from;
      case "PONG":
        this.#ready.resolve();
        return from;
      case "-ERR":
        this.#failed.reject(new Error(`NATS says ${words.join(" ")}`));
        return from;
      default:
        return from;
    }
  }

  /** MSG subject id [reply] size, HMSG subject id [reply] headers-size size. */
  #takeMessage(
    bytes: Uint8Array,
    { words, from }: { words: readonly string[]; from: number },
  ): number | undefined {
    const sizes = words[0] === "HMSG" ? 2 : 1;
    const size = Number(words.at(-1));
    const end = from + size + 2;
    if (end > bytes.length) return undefined;
    const headersSize = sizes === 2 ? Number(words.at(-2)) : 0;
    const [, subject = "", id = ""] = words;
    this.#listeners.get(id)?.({
      subject,
      reply: words.length === 4 + sizes ? words[3] ?? "" : "",
      headers: text.decode(bytes.subarray(from, from + headersSize)),
      payload: bytes.subarray(from + headersSize, from + size),
    });
    return end;
  }
}

export function encodePublish(message: {
  readonly subject: string;
  readonly reply: string;
  readonly payload: Uint8Array;
}): Uint8Array {
  const { subject, reply, payload } = message;
  const head = utf8.encode(`PUB ${subject} ${reply} ${payload.length}\r\n`);
  return concat(head, payload, END);
}

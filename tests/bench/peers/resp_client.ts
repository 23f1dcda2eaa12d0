/**
 * A small Redis client (RESP 2): commands out, replies in order. For benchmarks.
 */
import type { Socket } from "node:net";
import { openSocket } from "./peer.ts";

export type Reply = string | number | null | Uint8Array | readonly Reply[];

interface Waiting {
  /** Replies that are still to come. */
  left: number;
  readonly resolve: (last: Reply) => void;
  readonly reject: (error: Error) => void;
}

const utf8 = new TextEncoder();
const text = new TextDecoder();
const CR = 13;

export class RespClient {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #unread: Uint8Array = new Uint8Array(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#receive(chunk as Uint8Array));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server has closed")));
  }

  static async connect(port: number): Promise<RespClient> {
    return new RespClient(await openSocket(port));
  }

  /** Sends one encoded command, or many at once; resolves with the last reply. */
  send(commands: Uint8Array, count = 1): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ left: count, resolve, reject });
      this.#socket.write(commands);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Uint8Array): void {
    const bytes = this.#unread.length === 0
      ? chunk
      : concat(this.#unread, chunk);
    let at = 0;
    try {
      while (at < bytes.length) {
        const parsed = parseReply(bytes, at);
        if (parsed === undefined) break;
        at = parsed.end;
        this.#answer(parsed.reply);
      }
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#unread = bytes.slice(at);
  }

  #answer(reply: Reply): void {
    const first = this.#waiting[0];
    if (first === undefined || --first.left > 0) return;
    this.#waiting.shift();
    first.resolve(reply);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

export function encodeCommand(
  ...parts: readonly (string | Uint8Array)[]
): Uint8Array {
  const pieces: Uint8Array[] = [utf8.encode(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = typeof part === "string" ? utf8.encode(part) : part;
    pieces.push(
      utf8.encode(`$${bytes.length}\r\n`),
      bytes,
      utf8.encode("\r\n"),
    );
  }
  return concat(...pieces);
}

/** Undefined while the reply is not whole. Throws what the server refused. */
function parseReply(
  bytes: Uint8Array,
  at: number,
): { reply: Reply; end: number } | undefined {
  const lineEnd = bytes.indexOf(CR, at);
  if (lineEnd < 0 || lineEnd + 1 >= bytes.length) return undefined;
  const line = text.decode(bytes.subarray(at + 1, lineEnd));
  const end = lineEnd + 2;
  switch (String.fromCharCode(bytes[at] ?? 0)) {
    case "+":
      return { reply: line, end };
    case "-":
      throw new Error(`Redis refused: ${line}`);
    case ":":
      return { reply: Number(line), end };
    case "$":
      return parseBulk(bytes, { length: Number(line), from: end });
    case "*":
      return parseArray(bytes, { count: Number(line), from: end });
    default:
      throw new Error(`Redis sent what is no reply: ${line}`);
  }
}

function parseBulk(bytes: Uint8Array, at: { length: number; from: number }) {
  const { length, from } = at;
  if (length < 0) return { reply: null, end: from };
  const end = from + length + 2;
  if (end > bytes.length) return undefined;
  return { reply: bytes.subarray(from, from + length), end };
}

function parseArray(bytes: Uint8Array, at: { count: number; from: number }) {
  const replies: Reply[] = [];
  let end = at.from;
  while (replies.length < at.count) {
    const parsed = end < bytes.length ? parseReply(bytes, end) : undefined;
    if (parsed === undefined) return undefined;
    replies.push(parsed.reply);
    end = parsed.end;
  }
  return { reply: replies, end };
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

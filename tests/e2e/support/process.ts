/**
 * Real processes for end-to-end tests: agents with data and certificates in a
 * directory of their own, and client verbs. Runs `PROGLOG_BIN` where it is set
 * (the executable), else the program from source.
 */
import { createServer } from "node:net";
import { join } from "node:path";
import { V8_FLAGS } from "../../../cli/v8_flags.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..", "..");
const READY_TIMEOUT_MS = 20_000;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: Uint8Array | string;
  readonly env?: Record<string, string>;
  /** Network namespace to run in. */
  readonly namespace?: string;
}

/** A directory, its certificates, and the processes that a test started. */
export class Workspace {
  readonly directory: string;
  readonly #agents: AgentProcess[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Runs `test` in a fresh workspace with certificates, and cleans up after it. */
  static async use(
    test: (workspace: Workspace) => Promise<void>,
  ): Promise<void> {
    const directory = await Deno.makeTempDir({ prefix: "proglog-e2e-" });
    const workspace = new Workspace(directory);
    try {
      const init = await workspace.run(["certs", "init"]);
      if (init.code !== 0) throw new Error(init.stderr);
      await test(workspace);
    } finally {
      for (const agent of workspace.#agents) await agent.end("SIGKILL");
      await Deno.remove(directory, { recursive: true });
    }
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Runs a verb to its end. */
  async run(args: string[], options: RunOptions = {}): Promise<Finished> {
    const child = this.spawn(args, options);
    if (options.stdin !== undefined) await writeAll(child, options.stdin);
    const { code, stdout, stderr } = await child.output();
    const text = new TextDecoder();
    return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  }

  spawn(args: string[], options: RunOptions = {}): Deno.ChildProcess {
    const { namespace } = options;
    const inside = namespace === undefined
      ? []
      : ["ip", "netns", "exec", namespace];
    const [command = "", ...rest] = [...inside, ...program(), ...args];
    return new Deno.Command(command, {
      args: rest,
      env: { CONFIG_DIR: this.path("config"), ...options.env },
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Starts an agent and waits until it serves. */
  async agent(options: AgentProcessOptions = {}): Promise<AgentProcess> {
    const agent = await AgentProcess.start(this, options);
    this.#agents.push(agent);
    return agent;
  }
}

export interface AgentProcessOptions {
  readonly name?: string;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Network namespace to run in. */
  readonly namespace?: string;
  /** Given again for a restart; chosen otherwise. */
  readonly rpcPort?: number;
  /** Chosen where it is not given. */
  readonly gossipPort?: number;
  readonly args?: string[];
  readonly dataDirectory?: string;
}

export class AgentProcess {
  readonly host: string;
  readonly rpcPort: number;
  readonly gossipPort: number;
  readonly #child: Deno.ChildProcess;
  #log = "";
  readonly #reading: Promise<void>;

  static async start(
    workspace: Workspace,
    options: AgentProcessOptions,
  ): Promise<AgentProcess> {
    const { name = "node1", host = "127.0.0.1", namespace } = options;
    const rpcPort = options.rpcPort ?? await freePort();
    const gossipPort = options.gossipPort ?? await freePort();
    const child = workspace.spawn([
      "agent",
      "--node-name",
      name,
      "--data-dir",
      options.dataDirectory ?? workspace.path(name),
      "--bind-addr",
      `${host}:${gossipPort}`,
      "--rpc-port",
      `${rpcPort}`,
      ...options.args ?? [],
    ], namespace === undefined ? {} : { namespace });
    const agent = new AgentProcess(child, { host, rpcPort, gossipPort });
    await agent.#untilServing();
    return agent;
  }

  private constructor(
    child: Deno.ChildProcess,
    place: { host: string; rpcPort: number; gossipPort: number },
  ) {
    this.#child = child;
    this.host = place.host;
    this.rpcPort = place.rpcPort;
    this.gossipPort = place.gossipPort;
    this.#reading = this.#readLog();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What it has written to stderr so far. */
  get log(): string {
    return this.#log;
  }

  /** For client verbs. */
  get address(): string[] {
    return ["--addr", `${this.host}:${this.rpcPort}`];
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end; no error if it ended before. */
  async end(signal: Deno.Signal): Promise<number> {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  /** Waits until the log has a text. */
  async untilLogged(text: string): Promise<void> {
    await until(`the agent logs "${text}"`, () => this.#log.includes(text));
  }

  async #untilServing(): Promise<void> {
    let hasEnded = false;
    this.#child.status.then(() => hasEnded = true);
    await until(
      "the agent serves",
      () => this.#log.includes("serving") || hasEnded,
    );
    if (hasEnded) throw new Error(`The agent did not start:\n${this.#log}`);
  }

  async #readLog(): Promise<void> {
    const text = this.#child.stderr.pipeThrough(new TextDecoderStream());
    await this.#child.stdout.cancel();
    for await (const chunk of text) this.#log += chunk;
  }
}

/** Polls a condition of another process; fails with words after 20 s. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = READY_TIMEOUT_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!await holds()) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain until ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" ? address?.port : undefined;
      server.close(() => port === undefined ? reject() : resolve(port));
    });
  });
}

function program(): string[] {
  const executable = Deno.env.get("PROGLOG_BIN");
  if (executable !== undefined) return [executable];
  return [
    Deno.execPath(),
    "run",
    V8_FLAGS,
    "-A",
    "--quiet",
    join(ROOT, "cli", "main.ts"),
  ];
}

async function writeAll(
  child: Deno.ChildProcess,
  input: Uint8Array | string,
): Promise<void> {
  const bytes = typeof input === "string"
    ? new TextEncoder().encode(input)
    : input;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

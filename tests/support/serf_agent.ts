/** A stock `serf agent` of the system as a child process of a test. */
import net from "node:net";

export interface SerfMemberLine {
  readonly name: string;
  readonly addr: string;
  readonly status: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Whether the `serf` command is installed. */
export function hasSerf(): boolean {
  try {
    return new Deno.Command("serf", { args: ["version"], stdout: "null" })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** No serf command takes longer; one that does has failed. */
const COMMAND_S = 20;

export interface SerfAgentOptions {
  readonly name: string;
  readonly join?: string;
  readonly args?: readonly string[];
  /** Address to bind, 127.0.0.1 by default. */
  readonly host?: string;
  /** A network namespace to run in. */
  readonly namespace?: string;
  readonly port?: number;
  readonly rpcPort?: number;
}

export class SerfAgent {
  readonly name: string;
  readonly address: string;
  readonly #process: Deno.ChildProcess;
  readonly #rpc: string;
  readonly #namespace: string | undefined;
  readonly #log: Promise<string>;

  private constructor(
    options: SerfAgentOptions,
    process: Deno.ChildProcess,
    ports: { address: string; rpc: string },
  ) {
    this.name = options.name;
    this.address = ports.address;
    this.#rpc = ports.rpc;
    this.#namespace = options.namespace;
    this.#process = process;
    this.#log = new Response(process.stdout).text();
  }

  static async start(options: SerfAgentOptions): Promise<SerfAgent> {
    const port = options.port ?? await freePort();
    const address = `${options.host ?? "127.0.0.1"}:${port}`;
    const rpc = `127.0.0.1:${options.rpcPort ?? await freePort()}`;
    const join = options.join === undefined
      ? []
      : [`-retry-join=${options.join}`];
    const args = [
      "agent",
      `-node=${options.name}`,
      `-bind=${address}`,
      `-rpc-addr=${rpc}`,
      "-profile=local",
      "-retry-interval=1s",
      ...join,
      ...(options.args ?? []),
    ];
    const process = command(options.namespace, "serf", args, "piped").spawn();
    const agent = new SerfAgent(options, process, { address, rpc });
    await until(`${options.name} answers`, async () => {
      const { code } = await agent.run("info");
      return code === 0;
    });
    return agent;
  }

  /** Runs a serf command against this agent. */
  async run(
    verb: string,
    ...args: string[]
  ): Promise<{ code: number; text: string }> {
    const all = [verb, `-rpc-addr=${this.#rpc}`, ...args];
    const inTime = ["-k", "1", `${COMMAND_S}`, "serf", ...all];
    const output = await command(this.#namespace, "timeout", inTime, "piped")
      .output();
    return {
      code: output.code,
      text: new TextDecoder().decode(output.stdout),
    };
  }

  async members(): Promise<SerfMemberLine[]> {
    const { text } = await this.run("members", "-format=json");
    return JSON.parse(text).members;
  }

  /** What `serf members` says of `name`: "alive", "failed", "none", ... */
  async statusOf(name: string): Promise<string> {
    const member = (await this.members()).find((one) => one.name === name);
    return member?.status ?? "none";
  }

  /** SIGKILL, and its log. */
  async kill(): Promise<string> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      // It has ended already, after a leave.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#process.status;
    return await this.#log;
  }
}

/** Asks again and again until it holds; throws with `what` when time is over. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<number> {
  const startedAtMs = Date.now();
  while (!(await holds())) {
    if (Date.now() - startedAtMs > timeoutMs) {
      throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return Date.now() - startedAtMs;
}

export function command(
  namespace: string | undefined,
  name: string,
  args: readonly string[],
  stdout: "piped" | "null",
): Deno.Command {
  const inside = namespace === undefined
    ? [name, ...args]
    : ["ip", "netns", "exec", namespace, name, ...args];
  return new Deno.Command(inside[0]!, {
    args: inside.slice(1),
    stdin: "null",
    stdout,
    stderr: "null",
  });
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = net.createServer();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    const port = typeof address === "object" ? address?.port ?? 0 : 0;
    server.close(() => resolve(port));
  });
  return promise;
}

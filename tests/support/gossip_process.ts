/** Starts `gossip_process_main.ts` and keeps its last table. */
import { command } from "./serf_agent.ts";

const MAIN = new URL("./gossip_process_main.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

export type Table = Readonly<Record<string, string>>;

export class GossipProcess {
  readonly name: string;
  table: Table = {};
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  constructor(options: {
    name: string;
    bindAddr: string;
    seeds: readonly string[];
    profile: "lan" | "local";
    namespace?: string;
  }) {
    const { name, bindAddr, seeds, profile } = options;
    const args = [
      "run",
      "-A",
      "--config",
      CONFIG,
      MAIN,
      name,
      bindAddr,
      profile,
    ];
    this.name = name;
    this.#process = command(
      options.namespace,
      Deno.execPath(),
      [...args, ...seeds],
      "piped",
    ).spawn();
    this.#reading = this.#read();
  }

  get pid(): number {
    return this.#process.pid;
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    const text = this.#process.stdout.pipeThrough(new TextDecoderStream());
    let rest = "";
    for await (const part of text) {
      const lines = (rest + part).split("\n");
      rest = lines.pop()!;
      const last = lines.at(-1);
      if (last !== undefined) this.table = JSON.parse(last);
    }
  }
}

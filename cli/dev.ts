/**
 * `proglog dev`: three agents with certificates on this machine, and the
 * commands to try. Everything is in one directory; Ctrl-C ends all of it.
 */
import type { Command } from "commander";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { initSecurityFiles } from "../net/auth/pki.ts";
import { SECURITY_FILES } from "../net/auth/security_files.ts";
import { createClient } from "../net/client/mod.ts";
import { programCommand } from "./program_command.ts";
import { valueOption, verb } from "./options.ts";
import { printLine } from "./output.ts";
import { parseWholeNumber } from "./units.ts";

const NODE_COUNT = 3;
const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 100;

interface Plan {
  readonly directory: string;
  readonly basePort: number;
}

export function devCommand(): Command {
  return verb("dev", {
    summary: "run three agents on this machine, to try things out",
    examples: ["proglog dev", "proglog dev --dir /tmp/try --base-port 9000"],
  })
    .option("--dir <path>", "data and certificates", ".proglog-dev")
    .addOption(
      valueOption(
        "--base-port <port>",
        "first port; the nodes take two each",
        (text) => parseWholeNumber(text, { min: 1, max: 65_000 }),
      ).default(8400),
    )
    .action((_, own: Command) =>
      runDev({
        directory: own.opts()["dir"],
        basePort: own.opts()["basePort"],
      })
    );
}

async function runDev(plan: Plan): Promise<void> {
  const config = join(plan.directory, "config");
  if (!existsSync(join(config, SECURITY_FILES.authority.certificate))) {
    initSecurityFiles({ directory: config });
  }
  const agents = Array.from(
    { length: NODE_COUNT },
    (_, n) => startAgent(plan, n + 1),
  );
  const ended = Promise.race(agents.map((agent) => agent.status));
  try {
    const isReady = await Promise.race([
      untilReady(plan),
      ended.then(() => false),
    ]);
    if (isReady) showCommands(plan);
    await Promise.race([untilInterrupted(), ended]);
  } finally {
    for (const agent of agents) end(agent);
    await Promise.all(agents.map((agent) => agent.status));
  }
}

function startAgent({ directory, basePort }: Plan, n: number) {
  const [program = "", ...args] = programCommand();
  const port = basePort + 2 * (n - 1);
  return new Deno.Command(program, {
    args: [
      ...args,
      "agent",
      "--node-name",
      `node-${n}`,
      "--data-dir",
      join(directory, `node-${n}`),
      "--rpc-port",
      `${port}`,
      "--bind-addr",
      `127.0.0.1:${port + 1}`,
      ...(n === 1 ? [] : ["--join", `127.0.0.1:${basePort + 1}`]),
      "--log-level",
      "warn",
    ],
    env: { CONFIG_DIR: join(directory, "config") },
    stdin: "null",
  }).spawn();
}

/** Three voters, and a leader among them. */
async function untilReady(plan: Plan): Promise<boolean> {
  const client = createClient({
    addrs: [`127.0.0.1:${plan.basePort}`],
    tls: clientFiles(plan),
    timeoutMs: 1_000,
  });
  const endMs = performance.now() + READY_TIMEOUT_MS;
  try {
    while (performance.now() < endMs) {
      const servers = await client.servers().catch(() => []);
      const hasLeader = servers.some(({ isLeader }) => isLeader);
      if (servers.length === NODE_COUNT && hasLeader) return true;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return false;
  } finally {
    await client.close();
  }
}

function clientFiles({ directory }: Plan) {
  const path = (name: string) => join(directory, "config", name);
  const { rootClient, authority } = SECURITY_FILES;
  return {
    certFile: path(rootClient.certificate),
    keyFile: path(rootClient.key),
    caFile: path(authority.certificate),
  };
}

function showCommands({ directory, basePort }: Plan): void {
  const addr = basePort === 8400 ? "" : ` --addr 127.0.0.1:${basePort}`;
  printLine(`Three agents run. In another terminal:

  export CONFIG_DIR=${resolve(directory, "config")}
  proglog servers${addr}
  proglog produce hello world${addr}
  proglog consume --follow${addr}
  proglog status${addr}

Ctrl-C ends them; data stays in ${directory}.`);
}

function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => resolve());
    }
  });
}

function end(agent: Deno.ChildProcess): void {
  try {
    agent.kill("SIGTERM");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // It has ended already.
  }
}

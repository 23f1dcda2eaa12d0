/**
 * `proglog agent`: runs a node until a signal or a failure ends it.
 */
import type { Command } from "commander";
import { Agent } from "../net/agent/agent.ts";
import { createLogger } from "../net/telemetry/log.ts";
import { addAgentOptions, agentOptionsOf } from "./agent_options.ts";
import { verb } from "./options.ts";

export function agentCommand(): Command {
  const command = verb("agent", {
    summary: "run a node",
    examples: [
      "proglog agent",
      "proglog agent --data-dir /var/lib/proglog --rpc-port 8400 --retention-age 7d",
    ],
  });
  return addAgentOptions(command).action((_, own: Command) => runAgent(own));
}

async function runAgent(command: Command): Promise<void> {
  const options = agentOptionsOf(command);
  const logger = createLogger({
    level: options.logLevel,
    format: options.logFormat,
  });
  const stopSignal = untilSignal();
  const agent = await Agent.start(options, logger);
  try {
    const signal = await Promise.race([stopSignal, agent.failure]);
    logger.info("stopping", { signal });
  } finally {
    await agent.stop();
  }
  logger.info("stopped");
}

function untilSignal(): Promise<Deno.Signal> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      Deno.addSignalListener(signal, () => resolve(signal));
    }
  });
}

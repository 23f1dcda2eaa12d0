/**
 * What the verbs share: how a verb is made, how its options are read, and the
 * options by which a client finds and trusts an agent. Callers: one file per verb.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { join } from "node:path";
import { formatHostPort } from "../net/agent/config.ts";
import type { CertificateFiles } from "../net/auth/certificate_files.ts";
import { configDirectory, SECURITY_FILES } from "../net/auth/security_files.ts";
import { type Parsed, parseDurationMs, parseHostPort } from "./units.ts";

/** A verb with its one-line summary and examples that work as they stand. */
export function verb(
  name: string,
  about: { summary: string; examples: readonly string[] },
): Command {
  const examples = about.examples.map((example) => `  $ ${example}`).join("\n");
  return new Command(name)
    .description(about.summary)
    .addHelpText("after", `\nExamples:\n${examples}\n`);
}

/** An option whose text goes through `parse`; a refusal is a usage error. */
export function valueOption<T>(
  flags: string,
  description: string,
  parse: (text: string) => Parsed<T>,
): Option {
  return new Option(flags, description).argParser((text) =>
    accepted(parse(text))
  );
}

/** As valueOption, but may be given many times; or once, with commas between. */
export function listOption<T>(
  flags: string,
  description: string,
  parse: (text: string) => Parsed<T>,
): Option {
  // Commander hands the default over as `previous`: it must not be added to.
  const given: T[] = [];
  return new Option(flags, `${description} (repeatable)`).argParser((text) => {
    for (const part of text.split(",")) {
      given.push(accepted(parse(part.trim())));
    }
    return [...given];
  });
}

function accepted<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new InvalidArgumentError(parsed.message);
}

/** How a client verb reaches the cluster. */
export interface ClientOptions {
  /** "host:port" of one or more agents. */
  readonly addrs: readonly string[];
  /** Undefined with --insecure. */
  readonly tls: CertificateFiles | undefined;
  readonly timeoutMs: number;
  readonly json: boolean;
}

const ADDR_DEFAULT = { host: "127.0.0.1", port: 8400 };
const TIMEOUT_DEFAULT = "10s";

/** Adds --addr, --tls-*, --insecure, --timeout, --json and --config-file. */
export function addClientOptions(command: Command): Command {
  const directory = configDirectory((name) => Deno.env.get(name));
  const { rootClient, authority } = SECURITY_FILES;
  return command
    .addOption(
      listOption("--addr <host:port>", "an agent of the cluster", parseHostPort)
        .default([ADDR_DEFAULT], formatHostPort(ADDR_DEFAULT)),
    )
    .option(
      "--tls-cert-file <path>",
      "client certificate",
      join(directory, rootClient.certificate),
    )
    .option(
      "--tls-key-file <path>",
      "its private key",
      join(directory, rootClient.key),
    )
    .option(
      "--tls-ca-file <path>",
      "authority that signed the agents'",
      join(directory, authority.certificate),
    )
    .option(
      "--insecure",
      "no TLS: for agents on this machine that run so",
      false,
    )
    .addOption(
      valueOption(
        "--timeout <duration>",
        "how long to wait for an answer",
        parseDurationMs,
      )
        .default(10_000, TIMEOUT_DEFAULT),
    )
    .option("--json", "print JSON", false)
    .option(
      "--config-file <path>",
      "YAML or JSON file with options under their names",
    );
}

/** The values of addClientOptions, once the command line has been read. */
export function clientOptionsOf(command: Command): ClientOptions {
  const values = command.opts();
  return {
    addrs: values["addr"].map(formatHostPort),
    tls: values["insecure"] ? undefined : {
      certFile: values["tlsCertFile"],
      keyFile: values["tlsKeyFile"],
      caFile: values["tlsCaFile"],
    },
    timeoutMs: values["timeout"],
    json: values["json"],
  };
}

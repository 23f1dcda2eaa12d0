/**
 * The flags of `proglog agent`, names as in the book and ours besides, and their
 * typed form. Callers: agent.ts (the verb), dev.ts.
 */
import { type Command, Option } from "commander";
import { join } from "node:path";
import { SEGMENT_BYTES_DEFAULT } from "../core/limits.ts";
import {
  type AgentOptions,
  type AgentSecurity,
  formatHostPort,
  type HostPort,
} from "../net/agent/config.ts";
import { isLoopback } from "../net/auth/insecure.ts";
import { configDirectory, SECURITY_FILES } from "../net/auth/security_files.ts";
import type { FsyncPolicy } from "../net/runtime/fsync.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../net/telemetry/log.ts";
import { listOption, valueOption } from "./options.ts";
import {
  type Parsed,
  parseDurationMs,
  parseHostPort,
  parseSizeBytes,
  parseWholeNumber,
} from "./units.ts";

type Environment = (name: string) => string | undefined;

const MESSAGE_BYTES_DEFAULT = 16 * 1024 * 1024;
const FSYNC_INTERVAL_MAX_MS = 3_600_000;

/** Adds all flags of an agent. */
export function addAgentOptions(
  command: Command,
  env: Environment = (name) => Deno.env.get(name),
): Command {
  command.option(
    "--config-file <path>",
    "YAML or JSON file with options under their names",
  );
  for (
    const option of [
      ...placeOptions(env),
      ...securityOptions(env),
      ...storageOptions(),
      ...logOptions(),
    ]
  ) {
    command.addOption(option);
  }
  return command;
}

function placeOptions(env: Environment): Option[] {
  return [
    new Option("--data-dir <path>", "where records and Raft state are kept")
      .default(dataDirectory(env)),
    new Option("--node-name <name>", "unique in the cluster").default(
      Deno.hostname(),
      "host name",
    ),
    valueOption("--bind-addr <host:port>", "gossip, TCP and UDP", parseHostPort)
      .default({ host: "127.0.0.1", port: 8401 }, "127.0.0.1:8401"),
    valueOption(
      "--rpc-port <port>",
      "clients and peers, on the host of --bind-addr",
      (text) => parseWholeNumber(text, { min: 0, max: 65_535 }),
    ).default(8400),
    valueOption(
      "--rpc-addr <host:port>",
      "in place of --rpc-port, where the host differs",
      parseHostPort,
    ),
    valueOption(
      "--advertise-addr <host:port>",
      "where others reach --bind-addr, if they need another",
      parseHostPort,
    ),
    listOption(
      "--join <seed>",
      "gossip address of an agent: host:port, dns:name:port or srv:name",
      parseSeed,
    )
      .default([], "none"),
    listOption("--start-join-addrs <seed>", "the same as --join", parseSeed)
      .default([], "none"),
    valueOption(
      "--join-timeout <duration>",
      "give up joining after this long; without it, keep trying",
      parseDurationMs,
    ),
    new Option(
      "--bootstrap",
      "found a cluster if there is no data, also with --join",
    ).default(false),
    valueOption(
      "--bootstrap-expect <n>",
      "found a cluster when so many nodes have joined that expect it",
      (text) => parseWholeNumber(text, { min: 1, max: 99 }),
    ),
    valueOption(
      "--failed-reap <duration>",
      "remove a member that failed this long ago (72h)",
      parseDurationMs,
    ),
  ];
}

function securityOptions(env: Environment): Option[] {
  const directory = configDirectory(env);
  const path = (name: string) => join(directory, name);
  const { authority, server, peer, aclModel, aclPolicy, gossipKey } =
    SECURITY_FILES;
  const files: [flag: string, description: string, file: string][] = [
    ["acl-model-file", "casbin model", aclModel],
    ["acl-policy-file", "casbin policy, read again when it changes", aclPolicy],
    ["server-tls-cert-file", "certificate for clients", server.certificate],
    ["server-tls-key-file", "its private key", server.key],
    [
      "server-tls-ca-file",
      "authority of the clients' certificates",
      authority.certificate,
    ],
    [
      "peer-tls-cert-file",
      "certificate for dialling other agents",
      peer.certificate,
    ],
    ["peer-tls-key-file", "its private key", peer.key],
    [
      "peer-tls-ca-file",
      "authority of the other agents' certificates",
      authority.certificate,
    ],
    ["gossip-key-file", "base64 of 32 bytes that encrypt gossip", gossipKey],
  ];
  return [
    ...files.map(([flag, description, file]) =>
      new Option(`--${flag} <path>`, description).default(path(file))
    ),
    new Option(
      "--insecure",
      "no TLS, no identities; on loopback addresses only",
    ).default(false),
  ];
}

function storageOptions(): Option[] {
  return [
    valueOption("--fsync <policy>", "always, interval:MS or never", parseFsync)
      .default({ kind: "always" }, "always"),
    valueOption(
      "--segment-bytes-max <size>",
      "start a new segment above this",
      parseSizeBytes,
    )
      .default(SEGMENT_BYTES_DEFAULT, "256MiB"),
    valueOption(
      "--segment-age-max <duration>",
      "or when the segment is older",
      parseDurationMs,
    ),
    valueOption(
      "--retention-bytes <size>",
      "drop the oldest segments above this",
      parseSizeBytes,
    ),
    valueOption(
      "--retention-age <duration>",
      "drop segments that are older",
      parseDurationMs,
    ),
    valueOption(
      "--message-bytes-max <size>",
      "largest message of a client",
      parseSizeBytes,
    )
      .default(MESSAGE_BYTES_DEFAULT, "16MiB"),
  ];
}

function logOptions(): Option[] {
  return [
    new Option("--log-level <level>", "least level that is written").choices(
      LOG_LEVELS,
    ).default("info"),
    new Option("--log-format <format>", "for people or for machines").choices(
      LOG_FORMATS,
    ).default("text"),
  ];
}

/** Outside /tmp, which some systems empty at every start. */
function dataDirectory(env: Environment): string {
  const home = env("HOME");
  return join(
    home === undefined || home === "" ? "." : home,
    ".proglog",
    "data",
  );
}

/** DNS names are looked up when joining, not before. */
function parseSeed(text: string): Parsed<string> {
  if (/^(dns|srv):./.test(text)) return { ok: true, value: text };
  const parsed = parseHostPort(text);
  return parsed.ok ? { ok: true, value: formatHostPort(parsed.value) } : parsed;
}

function parseFsync(text: string): Parsed<FsyncPolicy> {
  if (text === "always" || text === "never") {
    return { ok: true, value: { kind: text } };
  }
  const ms = /^interval:(\d+)(?:ms)?$/.exec(text)?.[1] ?? "";
  const parsed = parseWholeNumber(ms, { min: 1, max: FSYNC_INTERVAL_MAX_MS });
  if (parsed.ok) {
    return { ok: true, value: { kind: "interval", intervalMs: parsed.value } };
  }
  return {
    ok: false,
    message:
      `"${text}" is no policy: write always, never or interval:MS, such as interval:100`,
  };
}

/** The values of addAgentOptions, once they have been read; ends with a usage error. */
export function agentOptionsOf(command: Command): AgentOptions {
  const values = command.opts();
  const bindAddress: HostPort = values["bindAddr"];
  const rpcAddress: HostPort = values["rpcAddr"] ??
    { host: bindAddress.host, port: values["rpcPort"] };
  const security = securityOf(values);
  if (security.kind === "insecure") {
    refuseReachable(command, {
      "--bind-addr": bindAddress,
      "--rpc-addr": rpcAddress,
    });
  }
  return {
    dataDirectory: values["dataDir"],
    nodeName: values["nodeName"],
    bindAddress,
    rpcAddress,
    advertiseAddress: values["advertiseAddr"],
    joinSeeds: [...values["join"], ...values["startJoinAddrs"]],
    joinTimeoutMs: values["joinTimeout"],
    bootstrap: values["bootstrap"],
    bootstrapExpect: values["bootstrapExpect"],
    failedReapMs: values["failedReap"],
    security,
    gossipKeyFile: security.kind === "tls"
      ? values["gossipKeyFile"]
      : undefined,
    fsync: values["fsync"],
    segmentBytesMax: values["segmentBytesMax"],
    segmentAgeMaxMs: values["segmentAgeMax"],
    retentionBytes: values["retentionBytes"],
    retentionAgeMs: values["retentionAge"],
    messageBytesMax: values["messageBytesMax"],
    logLevel: values["logLevel"],
    logFormat: values["logFormat"],
  };
}

function securityOf(values: Record<string, string>): AgentSecurity {
  if (values["insecure"]) return { kind: "insecure" };
  const text = (key: string) => values[key] ?? "";
  return {
    kind: "tls",
    server: {
      certFile: text("serverTlsCertFile"),
      keyFile: text("serverTlsKeyFile"),
      caFile: text("serverTlsCaFile"),
    },
    peer: {
      certFile: text("peerTlsCertFile"),
      keyFile: text("peerTlsKeyFile"),
      caFile: text("peerTlsCaFile"),
    },
    acl: { modelFile: text("aclModelFile"), policyFile: text("aclPolicyFile") },
  };
}

function refuseReachable(
  command: Command,
  addresses: Record<string, HostPort>,
): void {
  for (const [flag, { host }] of Object.entries(addresses)) {
    if (isLoopback(host)) continue;
    command.error(
      `--insecure is for loopback addresses only, and ${flag} is ${host}`,
    );
  }
}

import assert from "node:assert/strict";
import { Command, CommanderError } from "commander";
import { addAgentOptions, agentOptionsOf } from "../../cli/agent_options.ts";
import { applySettings, optionNamesOf } from "../../cli/settings.ts";
import type { AgentOptions } from "../../net/agent/config.ts";

interface Given {
  readonly args?: string[];
  readonly env?: Record<string, string>;
  readonly file?: string;
}

/** Reads agent options from all sources; a usage error comes back as its text. */
function agentWith(
  { args = [], env = {}, file }: Given,
): AgentOptions | string {
  const path = Deno.makeTempFileSync({ suffix: ".yaml" });
  if (file !== undefined) Deno.writeTextFileSync(path, file);
  let errors = "";
  const home = { HOME: "/home/u", ...env } as Record<string, string>;
  const command = addAgentOptions(new Command("agent"), (name) => home[name])
    .exitOverride().configureOutput({ writeErr: (text) => errors += text });
  command.hook("preAction", () =>
    applySettings(command, {
      env: (name) => home[name],
      knownKeys: optionNamesOf(command),
    }));
  let options: AgentOptions | undefined;
  command.action(() => {
    options = agentOptionsOf(command);
  });
  try {
    const config = file === undefined ? [] : ["--config-file", path];
    command.parse([...args, ...config], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return errors.replaceAll(path, "FILE").trim();
  } finally {
    Deno.removeSync(path);
  }
  return options ?? "no action";
}

function optionsWith(given: Given): AgentOptions {
  const options = agentWith(given);
  assert.ok(typeof options !== "string", String(options));
  return options;
}

Deno.test("agentOptionsOf() has the defaults of the book, and data outside /tmp", () => {
  const options = optionsWith({});
  assert.equal(options.dataDirectory, "/home/u/.proglog/data");
  assert.equal(options.nodeName, Deno.hostname());
  assert.deepEqual(options.bindAddress, { host: "127.0.0.1", port: 8401 });
  assert.deepEqual(options.rpcAddress, { host: "127.0.0.1", port: 8400 });
  assert.deepEqual(options.joinSeeds, []);
  assert.equal(options.bootstrap, false);
  assert.deepEqual(options.fsync, { kind: "always" });
  assert.ok(options.security.kind === "tls");
  assert.equal(options.security.server.certFile, "/home/u/.proglog/server.pem");
  assert.equal(options.security.peer.keyFile, "/home/u/.proglog/peer-key.pem");
  assert.equal(options.security.acl.modelFile, "/home/u/.proglog/model.conf");
});

Deno.test("agentOptionsOf() looks for security files in $CONFIG_DIR", () => {
  const { security } = optionsWith({ env: { CONFIG_DIR: "/etc/proglog" } });
  assert.ok(security.kind === "tls");
  assert.equal(security.acl.policyFile, "/etc/proglog/policy.csv");
});

Deno.test("applySettings() puts flag before environment before file before default", () => {
  const all: Given = {
    args: ["--rpc-port", "1"],
    env: { PROGLOG_RPC_PORT: "2" },
    file: "rpc-port: 3",
  };
  const { args: _, ...noFlag } = all;
  const portOf = (given: Given) => optionsWith(given).rpcAddress.port;
  assert.equal(portOf(all), 1);
  assert.equal(portOf(noFlag), 2);
  assert.equal(portOf({ file: "rpc-port: 3" }), 3);
  assert.equal(portOf({}), 8400);
});

Deno.test("applySettings() reads the ACL model under the name of its flag", () => {
  for (
    const given of [
      { args: ["--acl-model-file", "/m"] },
      { env: { PROGLOG_ACL_MODEL_FILE: "/m" } },
      { file: "acl-model-file: /m" },
    ]
  ) {
    const { security } = optionsWith(given);
    assert.equal(security.kind === "tls" && security.acl.modelFile, "/m");
  }
});

Deno.test("applySettings() takes every option of an agent from environment and file", () => {
  const command = addAgentOptions(new Command("agent"));
  const values: Record<string, string> = {
    "bind-addr": "127.0.0.1:1",
    "rpc-addr": "127.0.0.1:1",
    "advertise-addr": "127.0.0.1:1",
    "join-timeout": "1s",
    "bootstrap-expect": "3",
    "failed-reap": "1h",
    "rpc-port": "1",
    "join": "a:1",
    "start-join-addrs": "a:1",
    "bootstrap": "true",
    "insecure": "true",
    "fsync": "never",
    "segment-bytes-max": "1MiB",
    "segment-age-max": "1h",
    "retention-bytes": "1MiB",
    "retention-age": "1h",
    "message-bytes-max": "1MiB",
    "log-level": "error",
    "log-format": "json",
  };
  const text = JSON.stringify(optionsWith({}));
  const ignoredAlone = ["config-file", "gossip-key-file"];
  for (const name of optionNamesOf(command)) {
    if (ignoredAlone.includes(name)) continue;
    const value = values[name] ?? "/some/value";
    const variable = `PROGLOG_${name.toUpperCase().replaceAll("-", "_")}`;
    const fromEnv = JSON.stringify(optionsWith({ env: { [variable]: value } }));
    const fromFile = JSON.stringify(
      optionsWith({ file: `${name}: "${value}"` }),
    );
    assert.notEqual(fromEnv, text, name);
    assert.equal(fromFile, fromEnv, name);
  }
});

Deno.test("applySettings() reads lists and JSON", () => {
  const expected = ["a:1", "b:2"];
  for (
    const given of [
      { args: ["--join", "a:1", "--join", "b:2"] },
      { args: ["--join", "a:1", "--start-join-addrs", "b:2"] },
      { env: { PROGLOG_JOIN: "a:1, b:2" } },
      { file: "join:\n  - a:1\n  - b:2\n" },
      { file: '{"join": ["a:1", "b:2"]}' },
    ]
  ) assert.deepEqual(optionsWith(given).joinSeeds, expected);
});

Deno.test("applySettings() takes false for false", () => {
  assert.equal(
    optionsWith({ env: { PROGLOG_INSECURE: "false" } }).security.kind,
    "tls",
  );
  assert.equal(
    optionsWith({ env: { PROGLOG_INSECURE: "1" } }).security.kind,
    "insecure",
  );
  assert.equal(optionsWith({ file: "insecure: false" }).security.kind, "tls");
});

Deno.test("applySettings() takes the config file from the environment", () => {
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, "node-name: from-file\n");
  assert.equal(
    optionsWith({ env: { PROGLOG_CONFIG_FILE: path } }).nodeName,
    "from-file",
  );
  Deno.removeSync(path);
});

Deno.test("applySettings() and agentOptionsOf() refuse with the reason", () => {
  const rows: [string, Given, RegExp][] = [
    [
      "unknown key",
      { file: "acl-mode-file: /m" },
      /the key acl-mode-file in FILE is not known. Did you mean acl-model-file\?/,
    ],
    [
      "unknown key far from all",
      { file: "zzz: 1" },
      /the key zzz in FILE is not known.$/,
    ],
    [
      "bad value in the environment",
      { env: { PROGLOG_RPC_PORT: "x" } },
      /environment variable PROGLOG_RPC_PORT cannot be used: "x" is not a whole number/,
    ],
    [
      "bad value in the file",
      { file: "retention-age: 5" },
      /key retention-age in FILE cannot be used: "5" is no duration/,
    ],
    [
      "bad boolean",
      { env: { PROGLOG_INSECURE: "maybe" } },
      /is "maybe", which is not true or false/,
    ],
    [
      "bad choice",
      { env: { PROGLOG_LOG_LEVEL: "loud" } },
      /PROGLOG_LOG_LEVEL cannot be used: Allowed choices are debug/,
    ],
    [
      "bad policy",
      { args: ["--fsync", "sometimes"] },
      /write always, never or interval:MS/,
    ],
    ["insecure and reachable", {
      args: ["--insecure", "--bind-addr", "0.0.0.0:8401"],
    }, /loopback addresses only, and --bind-addr is 0.0.0.0/],
    [
      "insecure rpc",
      { args: ["--insecure", "--rpc-addr", "10.0.0.1:1"] },
      /--rpc-addr is 10.0.0.1/,
    ],
  ];
  for (const [name, given, message] of rows) {
    const result = agentWith(given);
    assert.ok(typeof result === "string", name);
    assert.match(result, message, name);
  }
});

Deno.test("agentOptionsOf() reads the three fsync policies", () => {
  const policyOf = (text: string) =>
    optionsWith({ args: ["--fsync", text] }).fsync;
  assert.deepEqual(policyOf("always"), { kind: "always" });
  assert.deepEqual(policyOf("never"), { kind: "never" });
  assert.deepEqual(policyOf("interval:50"), {
    kind: "interval",
    intervalMs: 50,
  });
});

import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { isProglogError } from "../../../core/errors.ts";
import {
  MODEL_TEMPLATE,
  POLICY_TEMPLATE,
} from "../../../net/auth/acl_templates.ts";
import { describeCertificates } from "../../../net/auth/describe.ts";
import {
  initSecurityFiles,
  issueClientCertificate,
} from "../../../net/auth/pki.ts";
import { renewCertificates } from "../../../net/auth/renew.ts";
import { configDirectory } from "../../../net/auth/security_files.ts";

const NOW_MS = Date.UTC(2030, 0, 15);
const DAY_MS = 86_400_000;

function withDirectory(run: (directory: string) => void): void {
  const parent = Deno.makeTempDirSync();
  try {
    run(join(parent, "config"));
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

function certificate(directory: string, file: string): X509Certificate {
  return new X509Certificate(Deno.readTextFileSync(join(directory, file)));
}

Deno.test("initSecurityFiles() writes the files of the book and ours", () =>
  withDirectory((directory) => {
    initSecurityFiles({ directory });
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
    assert.deepEqual(names.sort(), [
      "ca-key.pem",
      "ca.pem",
      "gossip.key",
      "model.conf",
      "nobody-client-key.pem",
      "nobody-client.pem",
      "peer-key.pem",
      "peer.pem",
      "policy.csv",
      "root-client-key.pem",
      "root-client.pem",
      "server-key.pem",
      "server.pem",
    ]);
    const key = Deno.readTextFileSync(join(directory, "gossip.key"));
    assert.equal(atob(key.trim()).length, 32);
  }));

Deno.test("initSecurityFiles() lets only the owner read keys", () =>
  withDirectory((directory) => {
    initSecurityFiles({ directory });
    const mode = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;
    assert.equal(mode(directory), 0o700);
    for (const { name } of Deno.readDirSync(directory)) {
      const secret = name.endsWith("-key.pem") || name === "gossip.key";
      assert.equal(mode(join(directory, name)), secret ? 0o600 : 0o644, name);
    }
  }));

Deno.test("initSecurityFiles() signs each certificate with the authority and matches its key", () =>
  withDirectory((directory) => {
    initSecurityFiles({ directory });
    const authority = certificate(directory, "ca.pem");
    assert.equal(authority.ca, true);
    for (
      const name of ["ca", "server", "peer", "root-client", "nobody-client"]
    ) {
      const one = certificate(directory, `${name}.pem`);
      const key = Deno.readTextFileSync(join(directory, `${name}-key.pem`));
      assert.equal(one.verify(authority.publicKey), true, name);
      assert.equal(one.checkIssued(authority), true, name);
      assert.equal(one.checkPrivateKey(createPrivateKey(key)), true, name);
    }
  }));

Deno.test("initSecurityFiles() names this machine and the hosts given", () =>
  withDirectory((directory) => {
    initSecurityFiles({ directory, hosts: ["log.example.net", "10.1.2.3"] });
    for (const file of ["server.pem", "peer.pem"]) {
      const names = certificate(directory, file).subjectAltName ?? "";
      for (const host of ["DNS:localhost", "DNS:log.example.net"]) {
        assert.ok(names.includes(host), `${file}: ${names}`);
      }
      assert.ok(names.includes("IP Address:127.0.0.1"), names);
      assert.ok(names.includes("IP Address:10.1.2.3"), names);
      assert.ok(names.includes("IP Address:::1"), names);
    }
    assert.equal(
      certificate(directory, "root-client.pem").subjectAltName,
      undefined,
    );
  }));

Deno.test("initSecurityFiles() dates from five minutes ago to the day asked for", () =>
  withDirectory((directory) => {
    initSecurityFiles({ directory, validityDays: 10, nowMs: NOW_MS });
    const server = certificate(directory, "server.pem");
    assert.equal(Date.parse(server.validFrom), NOW_MS - 5 * 60_000);
    assert.equal(Date.parse(server.validTo), NOW_MS + 10 * DAY_MS);
    const authority = certificate(directory, "ca.pem");
    assert.equal(Date.parse(authority.validTo), NOW_MS + 3650 * DAY_MS);
  }));

Deno.test("initSecurityFiles() dates beyond 2049 as RFC 5280 wants it", () =>
  withDirectory((directory) => {
    initSecurityFiles({ directory, validityDays: 36_500, nowMs: NOW_MS });
    const server = certificate(directory, "server.pem");
    assert.equal(Date.parse(server.validTo), NOW_MS + 36_500 * DAY_MS);
  }));

Deno.test("initSecurityFiles() overwrites nothing and names what is there", () =>
  withDirectory((directory) => {
    Deno.mkdirSync(directory);
    Deno.writeTextFileSync(join(directory, "policy.csv"), "mine");
    assert.throws(
      () => initSecurityFiles({ directory }),
      (error) =>
        isProglogError(error, "already_exists") &&
        error.message.endsWith("these files are there: policy.csv"),
    );
    assert.deepEqual([...Deno.readDirSync(directory)].length, 1);
    initSecurityFiles({ directory, existing: "replace" });
    assert.equal(
      Deno.readTextFileSync(join(directory, "policy.csv")),
      POLICY_TEMPLATE,
    );
  }));

Deno.test("initSecurityFiles() refuses what is no host and no number of days", () =>
  withDirectory((directory) => {
    const cases: [string, object][] = [
      ["a comma, which could smuggle a second name in", {
        hosts: ["a,URI:proglog://peer"],
      }],
      ["an empty host", { hosts: [""] }],
      ["a host with a port", { hosts: ["localhost:8400"] }],
      ["no days", { validityDays: 0 }],
      ["half a day", { validityDays: 0.5 }],
      ["a day count that overflows dates", { validityDays: 1e9 }],
    ];
    for (const [name, options] of cases) {
      assert.throws(
        () => initSecurityFiles({ directory, ...options }),
        (error) => isProglogError(error, "invalid_argument"),
        name,
      );
    }
  }));

Deno.test("issueClientCertificate() makes a client of the same authority", () =>
  withDirectory((directory) => {
    initSecurityFiles({ directory });
    const files = issueClientCertificate({ directory, name: "alice" });
    assert.equal(files[0]?.path, join(directory, "alice-client.pem"));
    const alice = certificate(directory, "alice-client.pem");
    assert.match(alice.subject, /^CN=alice$/m);
    assert.equal(
      alice.verify(certificate(directory, "ca.pem").publicKey),
      true,
    );
    assert.throws(
      () => issueClientCertificate({ directory, name: "alice" }),
      (error) => isProglogError(error, "already_exists"),
    );
  }));

Deno.test("issueClientCertificate() says that the authority's key is missing", () =>
  withDirectory((directory) => {
    initSecurityFiles({ directory });
    Deno.removeSync(join(directory, "ca-key.pem"));
    assert.throws(
      () => issueClientCertificate({ directory, name: "alice" }),
      (error) =>
        isProglogError(error, "not_found") && /ca-key\.pem/.test(error.message),
    );
  }));

Deno.test("issueClientCertificate() refuses names that are paths or patterns", () =>
  withDirectory((directory) => {
    initSecurityFiles({ directory });
    for (
      const name of ["", "*", "../x", "a/b", "a b", "a,b", ".", "x".repeat(64)]
    ) {
      assert.throws(
        () => issueClientCertificate({ directory, name }),
        (error) => isProglogError(error, "invalid_argument"),
        name,
      );
    }
  }));

Deno.test("renewCertificates() keeps authority, names and roles, and takes new keys", () =>
  withDirectory((directory) => {
    initSecurityFiles({
      directory,
      hosts: ["a.example.net"],
      validityDays: 1,
      nowMs: NOW_MS,
    });
    issueClientCertificate({ directory, name: "alice", nowMs: NOW_MS });
    const read = (file: string) => Deno.readTextFileSync(join(directory, file));
    const [authority, key] = [read("ca.pem"), read("server-key.pem")];
    const before = describeCertificates(directory, NOW_MS);
    const files = renewCertificates({
      directory,
      hosts: ["b.example.net"],
      nowMs: NOW_MS,
    });
    assert.equal(files.length, 10);
    assert.equal(read("ca.pem"), authority);
    assert.notEqual(read("server-key.pem"), key);
    const after = describeCertificates(directory, NOW_MS);
    const shown = (list: typeof before) =>
      list.map(({ file, subject, role }) => ({ file, subject, role }));
    assert.deepEqual(shown(after), shown(before));
    const server = after.find(({ file }) => file === "server.pem");
    assert.ok(server?.hosts.includes("a.example.net"));
    assert.ok(server?.hosts.includes("b.example.net"));
    assert.equal(server?.daysLeft, 365);
    const signer = certificate(directory, "ca.pem").publicKey;
    assert.equal(
      certificate(directory, "alice-client.pem").verify(signer),
      true,
    );
  }));

Deno.test("describeCertificates() tells roles and days left", () =>
  withDirectory((directory) => {
    initSecurityFiles({ directory, validityDays: 40, nowMs: NOW_MS });
    const list = describeCertificates(directory, NOW_MS + 15.5 * DAY_MS);
    const roles = list.map(({ file, role }) => `${file} ${role}`);
    assert.deepEqual(roles, [
      "ca.pem authority",
      "nobody-client.pem client",
      "peer.pem peer",
      "root-client.pem client",
      "server.pem server",
    ]);
    const server = list.find(({ file }) => file === "server.pem");
    assert.equal(server?.daysLeft, 24);
    assert.equal(server?.issuer, "O=proglog, CN=proglog CA");
    assert.ok(server?.hosts.includes("127.0.0.1"));
  }));

Deno.test("describeCertificates() reports a directory without certificates", () =>
  withDirectory((directory) => {
    assert.throws(
      () => describeCertificates(directory, NOW_MS),
      (error) => isProglogError(error, "not_found"),
    );
  }));

Deno.test("configDirectory() is $CONFIG_DIR or ~/.proglog", () => {
  const of = (env: Record<string, string>) =>
    configDirectory((name) => env[name]);
  assert.equal(of({ CONFIG_DIR: "/etc/x", HOME: "/home/u" }), "/etc/x");
  assert.equal(of({ CONFIG_DIR: "", HOME: "/home/u" }), "/home/u/.proglog");
  assert.equal(of({}), ".proglog");
});

Deno.test("MODEL_TEMPLATE and POLICY_TEMPLATE equal the files in certs/", () => {
  const read = (name: string) =>
    Deno.readTextFileSync(new URL(`../../../certs/${name}`, import.meta.url));
  assert.equal(MODEL_TEMPLATE, read("model.conf"));
  assert.equal(POLICY_TEMPLATE, read("policy.csv"));
});

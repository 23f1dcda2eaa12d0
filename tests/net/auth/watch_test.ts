import assert from "node:assert/strict";
import { join } from "node:path";
import { isProglogError } from "../../../core/errors.ts";
import {
  openAuthorizer,
  type ReloadResult,
  watchAcl,
} from "../../../net/auth/authorizer_reload.ts";
import { readCertificateFiles } from "../../../net/auth/certificate_files.ts";
import { watchCertificate } from "../../../net/auth/certificate_watch.ts";
import { initSecurityFiles } from "../../../net/auth/pki.ts";
import { ManualScheduler } from "../../support/manual_scheduler.ts";

async function withFiles(run: (directory: string) => Promise<void> | void) {
  const directory = Deno.makeTempDirSync();
  try {
    initSecurityFiles({ directory });
    await run(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function replaceAtomically(path: string, text: string): void {
  Deno.writeTextFileSync(`${path}.new`, text);
  Deno.renameSync(`${path}.new`, path);
}

async function watchedAcl(directory: string) {
  const files = {
    modelFile: join(directory, "model.conf"),
    policyFile: join(directory, "policy.csv"),
  };
  const scheduler = new ManualScheduler();
  const reports: ReloadResult[] = [];
  const authorizer = await openAuthorizer(files);
  const watch = watchAcl({
    files,
    authorizer,
    scheduler,
    report: (result) => reports.push(result),
  });
  const canRoot = () =>
    authorizer.authorize({
      subject: "root",
      object: "default",
      action: "produce",
    }).ok;
  return { ...files, scheduler, reports, watch, canRoot };
}

Deno.test("watchAcl() applies a policy that was replaced by a rename", () =>
  withFiles(async (directory) => {
    const { scheduler, policyFile, reports, canRoot } = await watchedAcl(
      directory,
    );
    await scheduler.fire();
    assert.equal(reports.length, 0);
    replaceAtomically(policyFile, "p, alice, *, *\n");
    await scheduler.fire();
    assert.equal(canRoot(), true, "not before the file has come to rest");
    await scheduler.fire();
    assert.equal(canRoot(), false);
    assert.deepEqual(reports, [{ ok: true, generation: 2 }]);
  }));

Deno.test("watchAcl() keeps the old policy while the new one is broken or gone", () =>
  withFiles(async (directory) => {
    const { scheduler, policyFile, reports, canRoot } = await watchedAcl(
      directory,
    );
    replaceAtomically(policyFile, "p, root\n");
    for (let i = 0; i < 4; i++) await scheduler.fire();
    assert.equal(canRoot(), true);
    assert.deepEqual(reports.map(({ ok }) => ok), [false], "reported once");
    Deno.removeSync(policyFile);
    for (let i = 0; i < 4; i++) await scheduler.fire();
    assert.equal(canRoot(), true);
    replaceAtomically(policyFile, "");
    for (let i = 0; i < 4; i++) await scheduler.fire();
    assert.equal(canRoot(), false);
    assert.deepEqual(reports.map(({ ok }) => ok), [false, false, true]);
  }));

Deno.test("watchAcl() leaves no timer behind when stopped", () =>
  withFiles(async (directory) => {
    const { scheduler, watch } = await watchedAcl(directory);
    await scheduler.fire();
    watch.stop();
    assert.equal(scheduler.pendingCount, 0);
  }));

function serverFiles(directory: string) {
  return {
    certFile: join(directory, "server.pem"),
    keyFile: join(directory, "server-key.pem"),
    caFile: join(directory, "ca.pem"),
  };
}

Deno.test("watchCertificate() waits until certificate and key fit together", () =>
  withFiles(async (directory) => {
    const other = Deno.makeTempDirSync();
    initSecurityFiles({ directory: other });
    const scheduler = new ManualScheduler();
    const changes: string[] = [];
    const broken: string[] = [];
    watchCertificate({
      files: serverFiles(directory),
      scheduler,
      onChange: ({ cert }) => changes.push(cert),
      onBroken: (error) => broken.push(error.message),
    });
    const copy = (name: string) =>
      replaceAtomically(
        join(directory, name),
        Deno.readTextFileSync(join(other, name)),
      );
    copy("server.pem");
    for (let i = 0; i < 3; i++) await scheduler.fire();
    assert.deepEqual(changes, []);
    assert.equal(broken.length, 1);
    assert.match(broken[0] ?? "", /server-key\.pem is not the key of/);
    copy("server-key.pem");
    copy("ca.pem");
    for (let i = 0; i < 3; i++) await scheduler.fire();
    assert.deepEqual(changes, [
      Deno.readTextFileSync(join(other, "server.pem")),
    ]);
    Deno.removeSync(other, { recursive: true });
  }));

Deno.test("readCertificateFiles() gives what TLS takes, and the end date", () =>
  withFiles((directory) => {
    const material = readCertificateFiles(serverFiles(directory));
    assert.match(material.cert, /BEGIN CERTIFICATE/);
    assert.match(material.key, /BEGIN PRIVATE KEY/);
    assert.ok(material.notAfterMs > Date.now());
  }));

Deno.test("readCertificateFiles() names the file that is missing, damaged or not its key", () =>
  withFiles((directory) => {
    const files = serverFiles(directory);
    const rows: [string, Partial<typeof files>, string, RegExp][] = [
      [
        "missing",
        { certFile: join(directory, "x.pem") },
        "not_found",
        /x\.pem/,
      ],
      [
        "damaged",
        { caFile: join(directory, "policy.csv") },
        "invalid_argument",
        /policy\.csv/,
      ],
      [
        "other key",
        { keyFile: join(directory, "peer-key.pem") },
        "invalid_argument",
        /peer-key/,
      ],
    ];
    for (const [name, change, code, message] of rows) {
      assert.throws(
        () => readCertificateFiles({ ...files, ...change }),
        (error) =>
          isProglogError(error) && error.code === code &&
          message.test(error.message),
        name,
      );
    }
  }));

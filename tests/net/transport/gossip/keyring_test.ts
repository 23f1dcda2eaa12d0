/** Keys: which decrypt, which encrypts, and the file in Serf's format. */
import assert from "node:assert/strict";
import {
  Keyring,
  openKeyring,
} from "../../../../net/transport/gossip/keyring.ts";
import {
  openSealedPacket,
  openSealedStream,
  sealPacket,
  sealStream,
} from "../../../../core/swim/wire/seal.ts";

const ONE = key(1, 32);
const TWO = key(2, 16);
const MESSAGE = new TextEncoder().encode("a message");
const LABEL = new TextEncoder().encode("label");
const NONE = new Uint8Array(0);

function key(fill: number, length: number): string {
  return new Uint8Array(length).fill(fill).toBase64();
}

Deno.test("sealPacket() is opened with the same key and label only", () => {
  const cipher = new Keyring([ONE]);
  const sealed = sealPacket(MESSAGE, { cipher, label: LABEL });
  assert.equal(sealed.length, MESSAGE.length + 29);
  assert.deepEqual(openSealedPacket(sealed, { cipher, label: LABEL }), MESSAGE);
  assert.equal(openSealedPacket(sealed, { cipher, label: NONE }), undefined);
  const other = new Keyring([TWO]);
  assert.equal(
    openSealedPacket(sealed, { cipher: other, label: LABEL }),
    undefined,
  );
});

Deno.test("openSealedPacket() opens nothing that was changed or cut", () => {
  const cipher = new Keyring([ONE]);
  const sealed = sealPacket(MESSAGE, { cipher, label: NONE });
  for (let i = 0; i < sealed.length; i++) {
    const changed = sealed.slice();
    changed[i]! ^= 0x80;
    const cut = sealed.subarray(0, i);
    const options = { cipher, label: NONE };
    assert.equal(openSealedPacket(changed, options), undefined, `byte ${i}`);
    assert.equal(openSealedPacket(cut, options), undefined, `length ${i}`);
  }
});

Deno.test("openSealedStream() waits for the whole and checks its header", () => {
  const options = { cipher: new Keyring([ONE]), label: NONE };
  const sealed = sealStream(MESSAGE, options);
  assert.equal(
    openSealedStream(sealed.subarray(0, sealed.length - 1), options).kind,
    "incomplete",
  );
  assert.deepEqual(openSealedStream(sealed, options), {
    kind: "opened",
    message: MESSAGE,
  });
  const huge = Uint8Array.fromHex("0affffffff");
  assert.equal(openSealedStream(huge, options).kind, "refused");
});

Deno.test("Keyring rotates: add everywhere, use everywhere, remove", async () => {
  const [left, right] = [new Keyring([ONE]), new Keyring([ONE])];
  const isUnderstood = (from: Keyring, by: Keyring) =>
    openSealedPacket(sealPacket(MESSAGE, { cipher: from, label: NONE }), {
      cipher: by,
      label: NONE,
    }) !== undefined;
  await left.add(TWO);
  await right.add(TWO);
  await left.use(TWO);
  assert.ok(isUnderstood(left, right) && isUnderstood(right, left));
  await right.use(TWO);
  await left.remove(ONE);
  assert.ok(isUnderstood(left, right) && isUnderstood(right, left));
  await right.remove(ONE);
  assert.deepEqual(left.list(), [TWO]);
  assert.ok(!isUnderstood(new Keyring([ONE]), left));
});

Deno.test("Keyring refuses what would lock it out", async () => {
  const ring = new Keyring([ONE]);
  await assert.rejects(ring.remove(ONE), { code: "invalid_argument" });
  await assert.rejects(ring.use(TWO), { code: "not_found" });
  await assert.rejects(ring.add("c2hvcnQ="), { code: "invalid_argument" });
  assert.throws(() => new Keyring([]), { code: "invalid_argument" });
});

Deno.test("openKeyring() starts from the key file and keeps Serf's keyring file", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const keyFile = `${directory}/gossip.key`;
    const keyringFile = `${directory}/keyring.json`;
    assert.equal(await openKeyring({ keyFile, keyringFile }), undefined);
    await Deno.writeTextFile(keyFile, `${ONE}\n`);
    const ring = (await openKeyring({ keyFile, keyringFile }))!;
    assert.deepEqual(ring.list(), [ONE]);
    await ring.add(TWO);
    await ring.use(TWO);
    const stored = await Deno.readTextFile(keyringFile);
    assert.deepEqual(JSON.parse(stored), [TWO, ONE]);
    assert.equal((await Deno.stat(keyringFile)).mode! & 0o777, 0o600);
    const again = (await openKeyring({ keyFile, keyringFile }))!;
    assert.deepEqual(again.list(), [TWO, ONE]);
    await Deno.writeTextFile(keyringFile, "{");
    await assert.rejects(openKeyring({ keyringFile }), { code: "corrupt" });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

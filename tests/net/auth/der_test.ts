import assert from "node:assert/strict";
import * as fc from "fast-check";
import { readNames } from "../../../net/auth/certificate_identity.ts";
import { readDer } from "../../../net/auth/der.ts";

function summary(hex: string): string | undefined {
  return readDer(Uint8Array.fromHex(hex))
    ?.map(({ tag, content }) => `${tag.toString(16)}:${content.toHex()}`).join(
      " ",
    );
}

Deno.test("readDer() reads values one after another and refuses what does not fit", () => {
  const rows: [string, string, string | undefined][] = [
    ["nothing", "", ""],
    ["two values", "020101040161", "2:01 4:61"],
    ["empty content", "0500", "5:"],
    ["length in one more byte", "048101ff", "4:ff"],
    ["no length", "04", undefined],
    ["longer than what holds it", "040261", undefined],
    ["indefinite length", "0480610000", undefined],
    ["length of four bytes", "048400000001ff", undefined],
    ["length cut off", "0482ff", undefined],
    ["tag of many octets", "1f810101", undefined],
  ];
  for (const [name, hex, expected] of rows) {
    assert.equal(summary(hex), expected, name);
  }
});

/** A value with what is inside it. */
function der(tag: number, ...contents: (Uint8Array | string)[]): Uint8Array {
  const parts = contents.map((part) =>
    typeof part === "string" ? new TextEncoder().encode(part) : part
  );
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  assert.ok(length < 128, "the short form is enough here");
  return Uint8Array.from([tag, length, ...parts.flatMap((part) => [...part])]);
}

const COMMON_NAME = Uint8Array.fromHex("0603550403");

/** As much of a certificate as readNames() looks at. */
function certificateNamed(...names: Uint8Array[]): Uint8Array {
  const filler = der(0x05);
  const subject = der(
    0x30,
    ...names.map((name) => der(0x31, der(0x30, COMMON_NAME, name))),
  );
  return der(0x30, der(0x30, filler, filler, filler, filler, filler, subject));
}

Deno.test("readNames() finds every common name, in any of its string types", () => {
  const utf8 = der(0x0c, "zoë");
  const printable = der(0x13, "root");
  assert.deepEqual(readNames(certificateNamed(utf8))?.commonNames, ["zoë"]);
  assert.deepEqual(readNames(certificateNamed(printable, utf8))?.commonNames, [
    "root",
    "zoë",
  ]);
  assert.deepEqual(readNames(certificateNamed())?.commonNames, []);
});

Deno.test("readNames() refuses names that it cannot read for sure", () => {
  const broken = der(0x0c, Uint8Array.of(0xff));
  const twoByte = der(0x1e, "\0r\0o\0o\0t");
  for (const name of [broken, twoByte]) {
    assert.equal(readNames(certificateNamed(name)), undefined);
  }
});

Deno.test("readNames() answers any bytes without throwing", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    readNames(bytes);
  }));
});

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import * as fc from "fast-check";
import { identityOf, PEER_URI } from "../../../net/auth/subject.ts";
import {
  type CertificateRequest,
  makeCertificate,
} from "../../../net/auth/x509/make.ts";

function rawOf(request: Partial<CertificateRequest>): Uint8Array {
  const made = makeCertificate({
    commonName: "root",
    use: { kind: "leaf", server: false, client: true },
    hosts: [],
    uris: [],
    notBeforeMs: 0,
    notAfterMs: 86_400_000,
    ...request,
  });
  return new X509Certificate(made.certificatePem).raw;
}

Deno.test("identityOf() is the common name, and a client without the peer URI", () => {
  assert.deepEqual(identityOf({ raw: rawOf({}) }), {
    ok: true,
    subject: "root",
    role: "client",
  });
});

Deno.test("identityOf() is a peer with exactly the peer URI", () => {
  const roleWith = (uris: string[], hosts: string[] = []) => {
    const identity = identityOf({ raw: rawOf({ uris, hosts }) });
    return identity.ok && identity.role;
  };
  assert.equal(roleWith([PEER_URI]), "peer");
  assert.equal(roleWith([PEER_URI], ["localhost", "::1"]), "peer");
  assert.equal(roleWith([`${PEER_URI}/x`]), "client");
  assert.equal(roleWith(["proglog://PEER"]), "client");
  assert.equal(roleWith([], [`x, URI:${PEER_URI}`]), "client");
  assert.equal(roleWith([], [PEER_URI]), "client");
});

Deno.test("identityOf() does not take a unit or a name for the peer identity", () => {
  const raw = rawOf({ commonName: PEER_URI, organizationalUnit: "peer" });
  const identity = identityOf({ raw });
  assert.equal(identity.ok && identity.role, "client");
});

Deno.test("identityOf() keeps names that are not ASCII", () => {
  const identity = identityOf({ raw: rawOf({ commonName: "zoë" }) });
  assert.equal(identity.ok && identity.subject, "zoë");
});

Deno.test("identityOf() refuses a missing certificate and an empty name", () => {
  assert.equal(identityOf({}).ok, false);
  assert.equal(identityOf({ raw: rawOf({ commonName: "" }) }).ok, false);
});

Deno.test("identityOf() never throws and never makes a peer of damaged bytes", () => {
  const raw = rawOf({});
  fc.assert(fc.property(
    fc.nat(raw.length - 1),
    fc.nat(255),
    fc.nat(raw.length),
    (at, byte, length) => {
      const damaged = raw.slice(0, length);
      if (at < length) damaged[at] = byte;
      const identity = identityOf({ raw: damaged });
      return !identity.ok || identity.role === "client";
    },
  ));
});

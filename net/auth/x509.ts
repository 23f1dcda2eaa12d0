/**
 * X.509 certificates with ECDSA P-256 keys: the one door to node-forge.
 * forge writes the ASN.1; keys and signatures come from node:crypto, because
 * forge knows RSA only and makes its keys in slow JavaScript (see
 * docs/adr/0007_ecdsa_certificates.md). Callers: pki.ts.
 */
import { Buffer } from "node:buffer";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";
import { isIP } from "node:net";
import forge from "node-forge";

const { asn1 } = forge;
const { Class, Type } = asn1;

/** RFC 5758 section 3.2. */
const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";

/** RFC 5280 section 4.2: OIDs of the extensions that forge is told by value. */
const OID = {
  subjectKeyIdentifier: "2.5.29.14",
  authorityKeyIdentifier: "2.5.29.35",
} as const;

/** Serial numbers are positive and at most 20 bytes (RFC 5280 section 4.1.2.2). */
const SERIAL_BYTES = 16;

export type CertificateUse =
  | { readonly kind: "authority" }
  | {
    readonly kind: "leaf";
    readonly server: boolean;
    readonly client: boolean;
  };

export interface CertificateRequest {
  readonly commonName: string;
  readonly organizationalUnit?: string;
  readonly use: CertificateUse;
  /** DNS names and IP addresses, told apart by their form. */
  readonly hosts: readonly string[];
  readonly uris: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface KeyedCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Who signs: the name as encoded in its certificate, and its key. */
export interface Issuer {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Makes a key pair and a certificate for it, signed by `issuer` or by itself. */
export function makeCertificate(
  request: CertificateRequest,
  issuer?: Issuer,
): KeyedCertificate {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keyPem = pair.privateKey.export({ type: "pkcs8", format: "pem" });
  const signer = issuer === undefined
    ? { name: nameOf(request), key: pair.privateKey }
    : {
      name: subjectNameOf(issuer.certificatePem),
      key: createPrivateKey(issuer.keyPem),
    };
  const body = toBeSigned(request, pair.publicKey, signer);
  const signature = sign("sha256", toDer(body), signer.key);
  const certificate = sequence([
    body,
    algorithm(),
    bitString(signature.toString("latin1")),
  ]);
  return {
    certificatePem: toPem("CERTIFICATE", toDer(certificate)),
    keyPem: keyPem.toString(),
  };
}

interface Signer {
  readonly name: forge.asn1.Asn1;
  readonly key: KeyObject;
}

/** TBSCertificate, RFC 5280 section 4.1. */
function toBeSigned(
  request: CertificateRequest,
  publicKey: KeyObject,
  signer: Signer,
): forge.asn1.Asn1 {
  const version = integer("\x02");
  return sequence([
    asn1.create(Class.CONTEXT_SPECIFIC, 0, true, [version]),
    integer(randomSerial()),
    algorithm(),
    signer.name,
    sequence([time(request.notBeforeMs), time(request.notAfterMs)]),
    nameOf(request),
    asn1.fromDer(spkiOf(publicKey).toString("latin1")),
    extensionsOf(request, publicKey, createPublicKey(signer.key)),
  ]);
}

function extensionsOf(
  request: CertificateRequest,
  publicKey: KeyObject,
  signerKey: KeyObject,
): forge.asn1.Asn1 {
  const certificate = forge.pki.createCertificate();
  certificate.setExtensions([
    ...usageExtensions(request.use),
    ...alternativeNames(request),
    {
      id: OID.subjectKeyIdentifier,
      value: toDer(octetString(keyIdentifier(publicKey))).toString("latin1"),
    },
    {
      id: OID.authorityKeyIdentifier,
      value: toDer(sequence([
        asn1.create(Class.CONTEXT_SPECIFIC, 0, false, keyIdentifier(signerKey)),
      ])).toString("latin1"),
    },
  ]);
  return forge.pki.certificateExtensionsToAsn1(certificate.extensions);
}

function usageExtensions(use: CertificateUse): object[] {
  if (use.kind === "authority") {
    return [
      {
        name: "basicConstraints",
        critical: true,
        cA: true,
        pathLenConstraint: 0,
      },
      { name: "keyUsage", critical: true, keyCertSign: true, cRLSign: true },
    ];
  }
  return [
    { name: "basicConstraints", critical: true, cA: false },
    { name: "keyUsage", critical: true, digitalSignature: true },
    { name: "extKeyUsage", serverAuth: use.server, clientAuth: use.client },
  ];
}

/** RFC 5280 section 4.2.1.6: type 2 is a DNS name, 6 a URI, 7 an IP address. */
function alternativeNames(request: CertificateRequest): object[] {
  const altNames = [
    ...request.hosts.map((host) =>
      isIP(host) === 0 ? { type: 2, value: host } : { type: 7, ip: host }
    ),
    ...request.uris.map((uri) => ({ type: 6, value: uri })),
  ];
  return altNames.length === 0 ? [] : [{ name: "subjectAltName", altNames }];
}

function nameOf(request: CertificateRequest): forge.asn1.Asn1 {
  const certificate = forge.pki.createCertificate();
  certificate.setSubject([
    { name: "organizationName", value: "proglog" },
    ...(request.organizationalUnit === undefined ? [] : [{
      shortName: "OU",
      value: request.organizationalUnit,
    }]),
    // Class UTF8String (12): names need not be ASCII.
    {
      name: "commonName",
      value: request.commonName,
      valueTagClass: 12 as unknown as forge.asn1.Class,
    },
  ]);
  return forge.pki.distinguishedNameToAsn1(certificate.subject);
}

/** The subject field of a certificate, byte for byte (RFC 5280 section 4.1.2.4). */
function subjectNameOf(certificatePem: string): forge.asn1.Asn1 {
  const body = forge.pem.decode(certificatePem)[0]?.body ?? "";
  const certificate = asn1.fromDer(body).value as forge.asn1.Asn1[];
  const fields = certificate[0]?.value as forge.asn1.Asn1[] | undefined;
  const subject = fields?.[5];
  if (subject === undefined) {
    throw new Error("Cannot find the subject of the issuer");
  }
  return subject;
}

export interface CertificateNames {
  readonly commonNames: readonly string[];
  /** URIs of the subject alternative names. */
  readonly uris: readonly string[];
}

/** The names in a DER certificate; undefined when it cannot be read. */
export function readNames(der: Uint8Array): CertificateNames | undefined {
  const bytes = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
  try {
    const body = childrenOf(asn1.fromDer(bytes.toString("latin1")))[0];
    const fields = childrenOf(body);
    return {
      commonNames: commonNamesIn(fields[5]),
      uris: urisIn(fields.at(-1)),
    };
  } catch {
    // forge throws plain errors for all damage; the caller refuses the peer.
    return undefined;
  }
}

function commonNamesIn(subject: forge.asn1.Asn1 | undefined): string[] {
  return childrenOf(subject).flatMap(childrenOf).map(childrenOf)
    .filter(([type]) => oidOf(type) === forge.pki.oids["commonName"])
    .map(([, value]) => textOf(value));
}

/** The last field of a version 3 certificate is [3] { SEQUENCE OF Extension }. */
function urisIn(field: forge.asn1.Asn1 | undefined): string[] {
  if (field?.tagClass !== Class.CONTEXT_SPECIFIC || Number(field.type) !== 3) {
    return [];
  }
  return childrenOf(childrenOf(field)[0]).map(childrenOf)
    .filter(([type]) => oidOf(type) === forge.pki.oids["subjectAltName"])
    .flatMap((extension) => childrenOf(asn1.fromDer(rawOf(extension.at(-1)))))
    .filter((name) => Number(name.type) === 6)
    .map(rawOf);
}

function childrenOf(value: forge.asn1.Asn1 | undefined): forge.asn1.Asn1[] {
  return Array.isArray(value?.value) ? value.value : [];
}

function oidOf(value: forge.asn1.Asn1 | undefined): string {
  return value?.type === Type.OID ? asn1.derToOid(rawOf(value)) : "";
}

function textOf(value: forge.asn1.Asn1 | undefined): string {
  return Buffer.from(rawOf(value), "latin1").toString("utf8");
}

function rawOf(value: forge.asn1.Asn1 | undefined): string {
  return typeof value?.value === "string" ? value.value : "";
}

function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: "spki", format: "der" });
}

/** SHA-1 of the public key point (RFC 5280 section 4.2.1.2, method 1). */
function keyIdentifier(publicKey: KeyObject): string {
  // The last 65 bytes of a P-256 SPKI are the uncompressed point.
  const point = spkiOf(publicKey).subarray(-65);
  return createHash("sha1").update(point).digest().toString("latin1");
}

function randomSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  // Positive and without a leading zero byte, as DER wants it.
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("latin1");
}

/** UTCTime to 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5). */
function time(atMs: number): forge.asn1.Asn1 {
  const at = new Date(atMs);
  return at.getUTCFullYear() < 2050
    ? asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(at))
    : asn1.create(
      Class.UNIVERSAL,
      Type.GENERALIZEDTIME,
      false,
      asn1.dateToGeneralizedTime(at),
    );
}

function algorithm(): forge.asn1.Asn1 {
  const oid = asn1.oidToDer(ECDSA_WITH_SHA256).getBytes();
  return sequence([asn1.create(Class.UNIVERSAL, Type.OID, false, oid)]);
}

function sequence(value: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, value);
}

function integer(bytes: string): forge.asn1.Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.INTEGER, false, bytes);
}

function octetString(bytes: string): forge.asn1.Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, bytes);
}

function bitString(bytes: string): forge.asn1.Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, "\x00" + bytes);
}

function toDer(value: forge.asn1.Asn1): Buffer {
  return Buffer.from(asn1.toDer(value).getBytes(), "latin1");
}

function toPem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${
    lines.join("\n")
  }\n-----END ${label}-----\n`;
}

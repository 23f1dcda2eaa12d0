/**
 * Makes X.509 certificates with ECDSA P-256 keys. forge writes the ASN.1; keys
 * and signatures come from node:crypto, because forge knows RSA only and makes
 * its keys in slow JavaScript (docs/adr/0007_ecdsa_certificates.md). This folder
 * is the one door to node-forge. Caller: pki.ts.
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
import {
  type Asn1,
  bitString,
  booleanTrue,
  explicit,
  fromDer,
  implicit,
  integer,
  objectId,
  octetString,
  sequence,
  time,
  toDer,
  toPem,
} from "./asn1.ts";

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
    sequence([objectId(ECDSA_WITH_SHA256)]),
    bitString(signature.toString("latin1")),
  ]);
  return {
    certificatePem: toPem("CERTIFICATE", toDer(certificate)),
    keyPem: keyPem.toString(),
  };
}

interface Signer {
  readonly name: Asn1;
  readonly key: KeyObject;
}

/** TBSCertificate, RFC 5280 section 4.1. */
function toBeSigned(
  request: CertificateRequest,
  publicKey: KeyObject,
  signer: Signer,
): Asn1 {
  const version = integer("\x02");
  return sequence([
    explicit(0, version),
    integer(randomSerial()),
    sequence([objectId(ECDSA_WITH_SHA256)]),
    signer.name,
    sequence([time(request.notBeforeMs), time(request.notAfterMs)]),
    nameOf(request),
    fromDer(spkiOf(publicKey).toString("latin1")),
    extensionsOf(request, publicKey, createPublicKey(signer.key)),
  ]);
}

function extensionsOf(
  request: CertificateRequest,
  publicKey: KeyObject,
  signerKey: KeyObject,
): Asn1 {
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
        implicit(0, keyIdentifier(signerKey)),
      ])).toString("latin1"),
    },
  ]);
  const filled: FilledExtension[] = certificate.extensions;
  return explicit(3, sequence(filled.map(extensionOf)));
}

/** What forge makes of an extension that it was told by name. */
interface FilledExtension {
  readonly id: string;
  readonly critical?: boolean;
  readonly value: Asn1 | string;
}

/** RFC 5280 section 4.1: Extension. */
function extensionOf({ id, critical, value }: FilledExtension): Asn1 {
  const bytes = typeof value === "string"
    ? value
    : toDer(value).toString("latin1");
  return sequence([
    objectId(id),
    ...(critical === true ? [booleanTrue()] : []),
    octetString(bytes),
  ]);
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

function nameOf(request: CertificateRequest): Asn1 {
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
function subjectNameOf(certificatePem: string): Asn1 {
  const body = forge.pem.decode(certificatePem)[0]?.body ?? "";
  const certificate = fromDer(body).value as Asn1[];
  const fields = certificate[0]?.value as Asn1[] | undefined;
  const subject = fields?.[5];
  if (subject === undefined) {
    throw new Error("Cannot find the subject of the issuer");
  }
  return subject;
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

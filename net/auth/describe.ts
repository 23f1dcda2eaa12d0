/**
 * What the certificates in a directory say: for whom, by whom, until when.
 * Caller: `proglog certs show`.
 */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { ProglogError } from "../../core/errors.ts";
import { identityOf } from "./subject.ts";

const DAY_MS = 86_400_000;
/** Below this a certificate should be exchanged. */
export const DAYS_LEFT_WARNING = 30;

export interface CertificateDescription {
  readonly file: string;
  readonly subject: string;
  readonly issuer: string;
  readonly role: "authority" | "peer" | "client" | "server";
  readonly hosts: readonly string[];
  readonly notBefore: string;
  readonly notAfter: string;
  /** Whole days; negative when the certificate has ended. */
  readonly daysLeft: number;
  readonly serial: string;
}

/** All `*.pem` certificates of a directory, by name. Throws `not_found`. */
export function describeCertificates(
  directory: string,
  nowMs: number,
): CertificateDescription[] {
  const descriptions = namesIn(directory)
    .filter((name) => name.endsWith(".pem") && !name.endsWith("-key.pem"))
    .map((name) => describe(directory, name, nowMs));
  if (descriptions.length > 0) return descriptions;
  throw notFound(directory);
}

function namesIn(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) throw notFound(directory, cause);
    throw cause;
  }
}

function notFound(directory: string, cause?: unknown): ProglogError {
  return new ProglogError(
    "not_found",
    `There are no certificates in ${directory}`,
    { details: { path: directory, kind: "certificate" }, cause },
  );
}

function describe(
  directory: string,
  file: string,
  nowMs: number,
): CertificateDescription {
  const certificate = readCertificate(join(directory, file));
  const endMs = Date.parse(certificate.validTo);
  return {
    file,
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    role: roleOf(certificate),
    hosts: hostsOf(certificate.subjectAltName),
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(endMs).toISOString(),
    daysLeft: Math.floor((endMs - nowMs) / DAY_MS),
    serial: certificate.serialNumber.toLowerCase(),
  };
}

function readCertificate(path: string): X509Certificate {
  try {
    return new X509Certificate(Deno.readTextFileSync(path));
  } catch (cause) {
    throw new ProglogError(
      "invalid_argument",
      `The file ${path} is not a certificate in PEM form`,
      { details: { path, kind: "certificate" }, cause },
    );
  }
}

function oneLine(name: string): string {
  return name.split("\n").join(", ");
}

function roleOf(certificate: X509Certificate): CertificateDescription["role"] {
  if (certificate.ca) return "authority";
  const identity = identityOf(certificate);
  if (identity.ok && identity.role === "peer") return "peer";
  return certificate.subjectAltName === undefined ? "client" : "server";
}

/** "DNS:localhost, IP Address:127.0.0.1" without the kinds and without URIs. */
function hostsOf(alternativeNames: string | undefined): string[] {
  return (alternativeNames ?? "").split(", ")
    .filter((name) => name.startsWith("DNS:") || name.startsWith("IP Address:"))
    .map((name) => name.slice(name.indexOf(":") + 1));
}

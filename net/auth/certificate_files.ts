/**
 * A certificate, its key and the authority that the other side is checked
 * against, read from files as a whole that fits together. Callers: net/agent,
 * net/client, certificate_watch.ts.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { ProglogError } from "../../core/errors.ts";

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

/** As `tls.createServer`, `tls.connect` and `setSecureContext` take them. */
export interface CertificateMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  readonly notAfterMs: number;
}

/**
 * Throws `not_found` or `permission_denied` for a file that cannot be read,
 * `invalid_argument` for one that is no PEM or a key of another certificate.
 */
export function readCertificateFiles(
  files: CertificateFiles,
): CertificateMaterial {
  const cert = readPem(files.certFile);
  const key = readPem(files.keyFile);
  const ca = readPem(files.caFile);
  const certificate = parse(files.certFile, () => new X509Certificate(cert));
  const privateKey = parse(files.keyFile, () => createPrivateKey(key));
  parse(files.caFile, () => new X509Certificate(ca));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw invalid(files.keyFile, `is not the key of ${files.certFile}`);
  }
  return { cert, key, ca, notAfterMs: Date.parse(certificate.validTo) };
}

function readPem(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    const missing = cause instanceof Deno.errors.NotFound;
    throw new ProglogError(
      missing ? "not_found" : "permission_denied",
      missing
        ? `There is no certificate file ${path}`
        : `Cannot read the certificate file ${path}`,
      { details: { path, kind: "certificate" }, cause },
    );
  }
}

function parse<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw invalid(path, "is not in PEM form", cause);
  }
}

function invalid(path: string, reason: string, cause?: unknown): ProglogError {
  return new ProglogError("invalid_argument", `The file ${path} ${reason}`, {
    details: { path, kind: "certificate" },
    cause,
  });
}

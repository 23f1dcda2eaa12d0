/**
 * New certificates in the place of those that end, by the same authority, for
 * the same names. Agents take them over while they run (certificate_watch.ts).
 * Caller: `proglog certs renew`.
 */
import {
  checkDays,
  checkHosts,
  VALIDITY_DAYS_DEFAULT,
} from "./certificate_names.ts";
import {
  type CertificateDescription,
  describeCertificates,
} from "./describe.ts";
import { DAY_MS, makeLeaf, pairFiles, readAuthority } from "./pki.ts";
import {
  type PlannedFile,
  withoutText,
  writeAtomically,
  type WrittenFile,
} from "./security_files.ts";

export interface RenewOptions {
  readonly directory: string;
  /** Names and addresses besides those in the certificates. */
  readonly hosts?: readonly string[];
  readonly validityDays?: number;
  readonly nowMs?: number;
}

const CLIENT_FILE = /^(.+)-client\.pem$/;

/**
 * Makes server.pem, peer.pem and all clients' certificates anew, with new keys.
 * Throws `not_found` without certificates or authority key.
 */
export function renewCertificates(options: RenewOptions): WrittenFile[] {
  const nowMs = options.nowMs ?? Date.now();
  const days = checkDays(options.validityDays ?? VALIDITY_DAYS_DEFAULT);
  checkHosts(options.hosts ?? []);
  const issuer = readAuthority(options.directory);
  const notAfterMs = nowMs + days * DAY_MS;
  const files = describeCertificates(options.directory, nowMs)
    .flatMap((old): PlannedFile[] => {
      const names = namesOf(old, options.hosts ?? []);
      if (names === undefined) return [];
      const pair = makeLeaf({ ...names, nowMs, notAfterMs }, issuer);
      const key = old.file.replace(/\.pem$/, "-key.pem");
      return pairFiles(options.directory, { certificate: old.file, key }, {
        pair,
        notAfterMs,
      });
    });
  for (const file of files) writeAtomically(file);
  return files.map(withoutText);
}

/** Undefined for the authority and for files that are not ours. */
function namesOf(old: CertificateDescription, more: readonly string[]) {
  const hosts = [...new Set([...old.hosts, ...more])];
  const { role } = old;
  const client = CLIENT_FILE.exec(old.file)?.[1];
  if (role === "client" && client !== undefined) return { name: client, role };
  const ours = old.file === `${role}.pem`;
  return ours && (role === "server" || role === "peer")
    ? { name: role, role, hosts }
    : undefined;
}

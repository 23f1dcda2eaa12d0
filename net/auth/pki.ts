/**
 * The security files of a cluster: one authority, the certificates it signs,
 * the gossip key and the ACL files, all in one directory. Says what is there,
 * never overwrites unasked. Callers: `proglog certs`,
 * scripts/gen-certs.ts, renew.ts, tests.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ProglogError } from "../../core/errors.ts";
import { MODEL_TEMPLATE, POLICY_TEMPLATE } from "./acl_templates.ts";
import {
  allHosts,
  checkClientName,
  checkDays,
  VALIDITY_DAYS_DEFAULT,
} from "./certificate_names.ts";
import {
  makePrivateDirectory,
  type PlannedFile,
  PRIVATE_MODE,
  PUBLIC_MODE,
  refuseExisting,
  SECURITY_FILES,
  withoutText,
  writeAtomically,
  type WrittenFile,
} from "./security_files.ts";
import { PEER_URI } from "./subject.ts";
import {
  type CertificateUse,
  type Issuer,
  type KeyedCertificate,
  makeCertificate,
} from "./x509/make.ts";

/** memberlist takes 16, 24 or 32 bytes; 32 is AES-256. */
const GOSSIP_KEY_BYTES = 32;
/** Machines whose clock is behind ours accept a new certificate at once. */
const CLOCK_SKEW_MS = 5 * 60_000;
export const DAY_MS = 86_400_000;
const AUTHORITY_DAYS_MIN = 3650;

export interface InitOptions {
  readonly directory: string;
  /** Names and addresses besides localhost, 127.0.0.1, ::1 and this machine's. */
  readonly hosts?: readonly string[];
  readonly validityDays?: number;
  readonly existing?: "refuse" | "replace";
  readonly nowMs?: number;
}

/**
 * Writes all security files. Throws `already_exists` naming the files that are
 * there unless `existing` is "replace", and `invalid_argument` for a bad host.
 */
export function initSecurityFiles(options: InitOptions): WrittenFile[] {
  const { directory } = options;
  const plan = planFiles(options);
  if (options.existing !== "replace") refuseExisting(directory, plan);
  makePrivateDirectory(directory);
  for (const file of plan) writeAtomically(file);
  return plan.map(withoutText);
}

function planFiles(options: InitOptions): PlannedFile[] {
  const nowMs = options.nowMs ?? Date.now();
  const days = checkDays(options.validityDays ?? VALIDITY_DAYS_DEFAULT);
  const until = nowMs + days * DAY_MS;
  const authorityUntil = nowMs + Math.max(days, AUTHORITY_DAYS_MIN) * DAY_MS;
  const hosts = allHosts(options.hosts ?? []);
  const authority = makeCertificate({
    commonName: "proglog CA",
    use: { kind: "authority" },
    hosts: [],
    uris: [],
    notBeforeMs: nowMs - CLOCK_SKEW_MS,
    notAfterMs: authorityUntil,
  });
  const leaf = (
    names: { certificate: string; key: string },
    request: Omit<LeafRequest, "nowMs" | "notAfterMs">,
  ) =>
    pairFiles(options.directory, names, {
      pair: makeLeaf({ ...request, nowMs, notAfterMs: until }, authority),
      notAfterMs: until,
    });
  return [
    ...pairFiles(options.directory, SECURITY_FILES.authority, {
      pair: authority,
      notAfterMs: authorityUntil,
    }),
    ...leaf(SECURITY_FILES.server, { name: "server", role: "server", hosts }),
    ...leaf(SECURITY_FILES.peer, { name: "peer", role: "peer", hosts }),
    ...leaf(SECURITY_FILES.rootClient, { name: "root", role: "client" }),
    ...leaf(SECURITY_FILES.nobodyClient, { name: "nobody", role: "client" }),
    ...plainFiles(options.directory),
  ];
}

export interface LeafRequest {
  readonly name: string;
  readonly role: "server" | "peer" | "client";
  readonly hosts?: readonly string[];
  readonly nowMs: number;
  readonly notAfterMs: number;
}

/** A certificate for a server, a peer or a client, and its key. */
export function makeLeaf(
  request: LeafRequest,
  issuer: Issuer,
): KeyedCertificate {
  const use: CertificateUse = {
    kind: "leaf",
    server: request.role !== "client",
    client: request.role !== "server",
  };
  return makeCertificate({
    commonName: request.name,
    organizationalUnit: request.role,
    use,
    hosts: request.hosts ?? [],
    uris: request.role === "peer" ? [PEER_URI] : [],
    notBeforeMs: request.nowMs - CLOCK_SKEW_MS,
    notAfterMs: request.notAfterMs,
  }, issuer);
}

/** A certificate and its key as files to write. */
export function pairFiles(
  directory: string,
  names: { certificate: string; key: string },
  made: { pair: KeyedCertificate; notAfterMs: number },
): PlannedFile[] {
  return [
    {
      path: join(directory, names.certificate),
      text: made.pair.certificatePem,
      mode: PUBLIC_MODE,
      validUntilMs: made.notAfterMs,
    },
    {
      path: join(directory, names.key),
      text: made.pair.keyPem,
      mode: PRIVATE_MODE,
    },
  ];
}

function plainFiles(directory: string): PlannedFile[] {
  const key = randomBytes(GOSSIP_KEY_BYTES).toString("base64");
  const files = [
    { name: SECURITY_FILES.aclModel, text: MODEL_TEMPLATE, mode: PUBLIC_MODE },
    {
      name: SECURITY_FILES.aclPolicy,
      text: POLICY_TEMPLATE,
      mode: PUBLIC_MODE,
    },
    { name: SECURITY_FILES.gossipKey, text: `${key}\n`, mode: PRIVATE_MODE },
  ];
  return files.map(({ name, text, mode }) => ({
    path: join(directory, name),
    text,
    mode,
  }));
}

export interface IssueOptions {
  readonly directory: string;
  /** Becomes the common name, the subject of the ACL, and the file name. */
  readonly name: string;
  readonly validityDays?: number;
  readonly existing?: "refuse" | "replace";
  readonly nowMs?: number;
}

/**
 * Makes `NAME-client.pem` and its key, signed by the authority in the directory.
 * Throws `not_found` when there is no authority key, else as initSecurityFiles.
 */
export function issueClientCertificate(options: IssueOptions): WrittenFile[] {
  const { directory, name } = options;
  checkClientName(name);
  const nowMs = options.nowMs ?? Date.now();
  const days = checkDays(options.validityDays ?? VALIDITY_DAYS_DEFAULT);
  const notAfterMs = nowMs + days * DAY_MS;
  const issuer = readAuthority(directory);
  const files = pairFiles(
    directory,
    { certificate: `${name}-client.pem`, key: `${name}-client-key.pem` },
    {
      pair: makeLeaf({ name, role: "client", nowMs, notAfterMs }, issuer),
      notAfterMs,
    },
  );
  if (options.existing !== "replace") refuseExisting(directory, files);
  for (const file of files) writeAtomically(file);
  return files.map(withoutText);
}

/** Throws `not_found` or `permission_denied`, naming the file. */
export function readAuthority(directory: string): Issuer {
  const { certificate, key } = SECURITY_FILES.authority;
  return {
    certificatePem: readRequired(join(directory, certificate)),
    keyPem: readRequired(join(directory, key)),
  };
}

function readRequired(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new ProglogError(
      cause instanceof Deno.errors.NotFound ? "not_found" : "permission_denied",
      `Cannot read ${path}, which is needed to sign certificates`,
      { details: { path, kind: "certificate" }, cause },
    );
  }
}

/**
 * From a certificate that TLS has verified to an identity: the subject that the
 * ACL knows, and whether it may speak Raft. Reads the DER itself, because text
 * forms of names can be made to say what is not there. Callers: net/transport.
 */
import { type CertificateNames, readNames } from "./certificate_identity.ts";

/** The URI name that only peer certificates carry. */
export const PEER_URI = "proglog://peer";

export type Identity =
  | {
    readonly ok: true;
    readonly subject: string;
    readonly role: "peer" | "client";
  }
  | { readonly ok: false; readonly message: string };

/** What `TLSSocket.getPeerCertificate()` gives; without a certificate it is empty. */
export interface PeerCertificate {
  readonly raw?: Uint8Array;
}

/** The identity in a verified certificate: exactly one, non-empty common name. */
export function identityOf(certificate: PeerCertificate): Identity {
  if (certificate.raw === undefined) {
    return { ok: false, message: "No certificate was presented" };
  }
  const names = readNames(certificate.raw);
  if (names === undefined) {
    return { ok: false, message: "Cannot read the names in the certificate" };
  }
  const [subject, ...more] = names.commonNames;
  if (subject === undefined || subject === "" || more.length > 0) {
    return {
      ok: false,
      message:
        `A certificate must have one common name, this one has ${names.commonNames.length}`,
    };
  }
  return { ok: true, subject, role: roleOf(names) };
}

function roleOf(names: CertificateNames): "peer" | "client" {
  return names.uris.includes(PEER_URI) ? "peer" : "client";
}

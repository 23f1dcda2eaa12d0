/**
 * Reads the names out of a DER certificate, field by field: the text forms that
 * runtimes make of them can be ambiguous. Checks nothing else; TLS has verified
 * the certificate before. Caller: subject.ts.
 */
import { Buffer } from "node:buffer";
import forge from "node-forge";
import {
  type Asn1,
  childrenOf,
  fromDer,
  oidOf,
  rawOf,
  textOf,
} from "./asn1.ts";

const { Class } = forge.asn1;

export interface CertificateNames {
  readonly commonNames: readonly string[];
  /** URIs of the subject alternative names. */
  readonly uris: readonly string[];
}

/** The names in a DER certificate; undefined when it cannot be read. */
export function readNames(der: Uint8Array): CertificateNames | undefined {
  const bytes = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
  try {
    const body = childrenOf(fromDer(bytes.toString("latin1")))[0];
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

function commonNamesIn(subject: Asn1 | undefined): string[] {
  return childrenOf(subject).flatMap(childrenOf).map(childrenOf)
    .filter(([type]) => oidOf(type) === forge.pki.oids["commonName"])
    .map(([, value]) => textOf(value));
}

/** The last field of a version 3 certificate is [3] { SEQUENCE OF Extension }. */
function urisIn(field: Asn1 | undefined): string[] {
  if (field?.tagClass !== Class.CONTEXT_SPECIFIC || Number(field.type) !== 3) {
    return [];
  }
  return childrenOf(childrenOf(field)[0]).map(childrenOf)
    .filter(([type]) => oidOf(type) === forge.pki.oids["subjectAltName"])
    .flatMap((extension) => childrenOf(fromDer(rawOf(extension.at(-1)))))
    .filter((name) => Number(name.type) === 6)
    .map(rawOf);
}

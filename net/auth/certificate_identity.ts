/**
 * Reads common names and URIs out of a DER certificate, field by field: the text
 * forms that runtimes make of them can be ambiguous. Checks nothing else; TLS has
 * verified the certificate before. Pure. Caller: subject.ts.
 */
import { type DerValue, readDer } from "./der.ts";

export interface CertificateNames {
  readonly commonNames: readonly string[];
  /** URIs of the subject alternative names. */
  readonly uris: readonly string[];
}

/** Identifier octets (X.690 section 8.1.2). */
const TAG = {
  sequence: 0x30,
  objectId: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  octetString: 0x04,
  /** [3] EXPLICIT of TBSCertificate. */
  extensions: 0xa3,
  /** [6] IMPLICIT of GeneralName (RFC 5280 section 4.2.1.6). */
  uri: 0x86,
} as const;

/** Contents of the object identifiers 2.5.4.3 and 2.5.29.17, in hex. */
const COMMON_NAME = "550403";
const SUBJECT_ALTERNATIVE_NAME = "551d11";

/** TBSCertificate of version 3: version, serial, algorithm, issuer, validity, subject. */
const SUBJECT_POSITION = 5;

/** Undefined when the bytes are no version 3 certificate. */
export function readNames(der: Uint8Array): CertificateNames | undefined {
  const certificate = only(readDer(der), TAG.sequence);
  const body = only(certificate?.slice(0, 1), TAG.sequence);
  const subject = body?.[SUBJECT_POSITION];
  const commonNames = subject === undefined
    ? undefined
    : commonNamesIn(subject);
  if (body === undefined || commonNames === undefined) return undefined;
  const extensions = body.find(({ tag }) => tag === TAG.extensions);
  const uris = extensions === undefined ? [] : urisIn(extensions);
  return uris === undefined ? undefined : { commonNames, uris };
}

/** What is inside, when there is exactly one value and it has this tag. */
function only(
  values: readonly DerValue[] | undefined,
  tag: number,
): DerValue[] | undefined {
  const [value, ...more] = values ?? [];
  if (value?.tag !== tag || more.length > 0) return undefined;
  return readDer(value.content);
}

/** SEQUENCE OF SET OF SEQUENCE { type, value }. */
function commonNamesIn(subject: DerValue): string[] | undefined {
  const attributes = inside(inside([subject]));
  if (attributes === undefined) return undefined;
  const names: string[] = [];
  for (const attribute of attributes) {
    const [type, value] = readDer(attribute.content) ?? [];
    if (type === undefined || value === undefined) return undefined;
    if (hexOf(type) !== COMMON_NAME) continue;
    const text = textOf(value);
    if (text === undefined) return undefined;
    names.push(text);
  }
  return names;
}

/** [3] { SEQUENCE OF SEQUENCE { type, critical?, OCTET STRING of DER } }. */
function urisIn(extensions: DerValue): string[] | undefined {
  const list = inside(inside([extensions]));
  if (list === undefined) return undefined;
  const uris: string[] = [];
  for (const extension of list) {
    const fields = readDer(extension.content);
    const type = fields?.[0];
    const value = fields?.at(-1);
    if (type === undefined || value?.tag !== TAG.octetString) return undefined;
    if (hexOf(type) !== SUBJECT_ALTERNATIVE_NAME) continue;
    const names = only(readDer(value.content), TAG.sequence);
    if (names === undefined) return undefined;
    uris.push(...names.filter(({ tag }) => tag === TAG.uri).map(latin1Of));
  }
  return uris;
}

/** The values one level below, all together. */
function inside(
  values: readonly DerValue[] | undefined,
): DerValue[] | undefined {
  const below = values?.map(({ content }) => readDer(content));
  if (below === undefined || below.includes(undefined)) return undefined;
  return below.flatMap((list) => list ?? []);
}

function hexOf({ tag, content }: DerValue): string {
  return tag === TAG.objectId ? content.toHex() : "";
}

function textOf({ tag, content }: DerValue): string | undefined {
  switch (tag) {
    case TAG.utf8String:
      return utf8Of(content);
    case TAG.printableString:
    case TAG.ia5String:
      return latin1Of({ tag, content });
    default:
      return undefined;
  }
}

function utf8Of(content: Uint8Array): string | undefined {
  const text = new TextDecoder("utf-8").decode(content);
  return text.includes("\ufffd") ? undefined : text;
}

function latin1Of({ content }: DerValue): string {
  return String.fromCharCode(...content);
}

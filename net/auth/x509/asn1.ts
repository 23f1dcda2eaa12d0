/**
 * The few ASN.1 values that a certificate is made of, as forge writes and reads
 * them. forge keeps bytes in latin-1 strings; so do these. Callers: this folder.
 */
import { Buffer } from "node:buffer";
import forge from "node-forge";

export type Asn1 = forge.asn1.Asn1;

const { asn1 } = forge;
const { Class, Type } = asn1;

export function sequence(value: Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, value);
}

export function integer(bytes: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.INTEGER, false, bytes);
}

/** DER writes true as FF and leaves a default of false out. */
export function booleanTrue(): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.BOOLEAN, false, "\xff");
}

export function octetString(bytes: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, bytes);
}

export function bitString(bytes: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, "\x00" + bytes);
}

export function toDer(value: Asn1): Buffer {
  return Buffer.from(asn1.toDer(value).getBytes(), "latin1");
}

export function toPem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${
    lines.join("\n")
  }\n-----END ${label}-----\n`;
}

/** UTCTime to 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5). */
export function time(atMs: number): Asn1 {
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

/** [number] in context, around other values. */
export function explicit(number: number, value: Asn1): Asn1 {
  return asn1.create(Class.CONTEXT_SPECIFIC, number, true, [value]);
}

/** [number] in context, instead of the type that the bytes have. */
export function implicit(number: number, bytes: string): Asn1 {
  return asn1.create(Class.CONTEXT_SPECIFIC, number, false, bytes);
}

export function objectId(dotted: string): Asn1 {
  const bytes = asn1.oidToDer(dotted).getBytes();
  return asn1.create(Class.UNIVERSAL, Type.OID, false, bytes);
}

/** Throws a plain Error when the bytes are not DER. */
export function fromDer(bytes: string): Asn1 {
  return asn1.fromDer(bytes);
}

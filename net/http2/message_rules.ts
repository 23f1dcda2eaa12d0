/**
 * What makes a request, response or trailer section well-formed (RFC 9113 section
 * 8). A malformed one is a stream error. The findings are kept with the decoded
 * block, so that a repeated head is judged once.
 */
import type { HeaderBlock } from "./hpack/decoder.ts";
import type { HeaderField, HeaderList } from "./types.ts";

export type SectionKind = "request" | "response" | "trailers";

/** What the machine needs to know of a header section. */
export type SectionFindings =
  | { readonly kind: "malformed"; readonly reason: string }
  | {
    readonly kind: "well_formed";
    readonly section: SectionKind;
    readonly contentLength: number | undefined;
    /** Of a response; 0 otherwise. */
    readonly status: number;
  };

export type JudgedBlock = HeaderBlock<SectionFindings>;

/** Judges a section, or recalls the verdict of an identical block. */
export function judgeSection(
  block: JudgedBlock,
  section: SectionKind,
): SectionFindings {
  const known = block.notes;
  if (known?.kind === "well_formed" && known.section === section) return known;
  const findings = judge(block.headers, section);
  block.notes = findings;
  return findings;
}

/** Values of the pseudo fields of a section. */
interface PseudoFields {
  ":method": string | undefined;
  ":scheme": string | undefined;
  ":path": string | undefined;
  ":authority": string | undefined;
  ":status": string | undefined;
}

const PSEUDO_SECTIONS: Readonly<Record<keyof PseudoFields, SectionKind>> = {
  ":method": "request",
  ":scheme": "request",
  ":path": "request",
  ":authority": "request",
  ":status": "response",
};

/** Fields of HTTP/1 connections (section 8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

function judge(headers: HeaderList, section: SectionKind): SectionFindings {
  const pseudo: PseudoFields = {
    ":method": undefined,
    ":scheme": undefined,
    ":path": undefined,
    ":authority": undefined,
    ":status": undefined,
  };
  let contentLength: number | undefined;
  let isRegularSeen = false;
  for (const field of headers) {
    const [name, value] = field;
    if (!isValue(value)) return malformed(`Value of ${name} is not text`);
    if (name.charCodeAt(0) === 0x3a) {
      if (isRegularSeen) return malformed(`${name} comes after other fields`);
      const problem = takePseudo(pseudo, field, section);
      if (problem !== undefined) return malformed(problem);
      continue;
    }
    isRegularSeen = true;
    const problem = judgeRegular(field);
    if (problem !== undefined) return malformed(problem);
    if (name === "content-length") {
      const length = parseLength(value);
      if (
        length === undefined ||
        (contentLength !== undefined && contentLength !== length)
      ) return malformed("content-length is wrong");
      contentLength = length;
    }
  }
  return judgeComplete(pseudo, section, contentLength);
}

function takePseudo(
  pseudo: PseudoFields,
  [name, value]: HeaderField,
  section: SectionKind,
): string | undefined {
  if (!isPseudoName(name) || PSEUDO_SECTIONS[name] !== section) {
    return `${name} is not allowed here`;
  }
  if (pseudo[name] !== undefined) return `${name} comes twice`;
  pseudo[name] = value;
  return undefined;
}

function isPseudoName(name: string): name is keyof PseudoFields {
  return Object.hasOwn(PSEUDO_SECTIONS, name);
}

function judgeRegular([name, value]: HeaderField): string | undefined {
  if (!isName(name)) return "A field name is not a lower-case token";
  if (CONNECTION_FIELDS.has(name)) return `${name} is for HTTP/1 only`;
  if (name === "te" && value.toLowerCase() !== "trailers") {
    return "te may only be trailers";
  }
  return undefined;
}

function judgeComplete(
  pseudo: Readonly<PseudoFields>,
  section: SectionKind,
  contentLength: number | undefined,
): SectionFindings {
  if (section === "request") {
    const problem = judgeRequestTarget(pseudo);
    if (problem !== undefined) return malformed(problem);
  }
  let status = 0;
  if (section === "response") {
    const text = pseudo[":status"];
    if (text === undefined || !/^[1-5][0-9][0-9]$/.test(text)) {
      return malformed(":status is missing or wrong");
    }
    status = Number(text);
    if (status === 101) return malformed("101 does not exist in HTTP/2");
  }
  return { kind: "well_formed", section, contentLength, status };
}

/** Sections 8.3.1 and 8.5. */
function judgeRequestTarget(
  pseudo: Readonly<PseudoFields>,
): string | undefined {
  const method = pseudo[":method"];
  if (method === undefined || method === "") return ":method is missing";
  const scheme = pseudo[":scheme"];
  const path = pseudo[":path"];
  if (method === "CONNECT") {
    if (scheme !== undefined || path !== undefined) {
      return "CONNECT has no :scheme and no :path";
    }
    return pseudo[":authority"] === undefined
      ? ":authority is missing"
      : undefined;
  }
  if (scheme === undefined || scheme === "") return ":scheme is missing";
  if (path === undefined || path === "") return ":path is missing";
  const isPath = path.charCodeAt(0) === 0x2f ||
    (path === "*" && method === "OPTIONS");
  return isPath ? undefined : ":path must start with a slash";
}

/** Token characters without upper case (section 8.2.1, RFC 9110 section 5.1). */
const NAME_CHARACTERS = characterSet(
  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz",
);

function isName(name: string): boolean {
  if (name.length === 0) return false;
  for (let i = 0; i < name.length; i++) {
    if (NAME_CHARACTERS[name.charCodeAt(i)] !== 1) return false;
  }
  return true;
}

/** No NUL, CR or LF; no space or tab at either end (section 8.2.1). */
function isValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code <= 0x0d && (code === 0 || code === 0x0a || code === 0x0d)) {
      return false;
    }
  }
  return !isBlank(value.charCodeAt(0)) &&
    !isBlank(value.charCodeAt(value.length - 1));
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function parseLength(value: string): number | undefined {
  if (!/^[0-9]{1,15}$/.test(value)) return undefined;
  return Number(value);
}

function characterSet(characters: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const character of characters) set[character.charCodeAt(0)] = 1;
  return set;
}

function malformed(reason: string): SectionFindings {
  return { kind: "malformed", reason };
}

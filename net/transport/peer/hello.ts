/**
 * How two nodes introduce themselves. The certificate says that the other one is
 * a node of ours, the hello says which one. Permanent; layouts of the payloads:
 *
 *   hello    version u8 = 1 | lane u8 (0 control, 1 bulk) | cluster | from | to
 *   welcome  version u8 = 1 | cluster | from
 *
 * cluster, from, to: length u8, UTF-8. An empty cluster is not known yet.
 */
import { ByteReader, ByteWriter } from "../../../core/raft/byte_codec.ts";
import { type Lane, LANES } from "./limits.ts";

const VERSION = 1;

export interface Hello {
  readonly lane: Lane;
  readonly clusterId: string;
  /** Who dials. */
  readonly from: string;
  /** Whom it means to reach. */
  readonly to: string;
}

export interface Welcome {
  readonly clusterId: string;
  readonly from: string;
}

/** Who this node is; `clusterId` is empty until it has joined one. */
export interface Self {
  readonly id: string;
  readonly clusterId: () => string;
}

export function encodeHello(hello: Hello): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(VERSION);
  writer.u8(LANES.indexOf(hello.lane));
  writer.text(hello.clusterId);
  writer.text(hello.from);
  writer.text(hello.to);
  return writer.finish();
}

/** Throws `corrupt`. */
export function decodeHello(bytes: Uint8Array): Hello {
  const reader = new ByteReader(bytes, "a peer's hello");
  checkVersion(reader);
  const lane = LANES[reader.u8()] ?? reader.fail("the lane is unknown");
  const hello = {
    lane,
    clusterId: reader.text(),
    from: reader.text(),
    to: reader.text(),
  };
  reader.end();
  return hello;
}

export function encodeWelcome(welcome: Welcome): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(VERSION);
  writer.text(welcome.clusterId);
  writer.text(welcome.from);
  return writer.finish();
}

/** Throws `corrupt`. */
export function decodeWelcome(bytes: Uint8Array): Welcome {
  const reader = new ByteReader(bytes, "a peer's welcome");
  checkVersion(reader);
  const welcome = { clusterId: reader.text(), from: reader.text() };
  reader.end();
  return welcome;
}

/** Why a hello is not for us, or undefined when it is. */
export function refusalOf(hello: Hello, self: Self): string | undefined {
  if (hello.to !== self.id) {
    return `this is node ${self.id} and not ${hello.to}`;
  }
  if (hello.from === "" || hello.from === self.id) {
    return `"${hello.from}" cannot be the name of another node`;
  }
  return clusterRefusal(hello.clusterId, self);
}

/** The same for the answer: `to` is whom the hello was meant for. */
export function welcomeRefusal(
  welcome: Welcome,
  { self, to }: { self: Self; to: string },
): string | undefined {
  if (welcome.from !== to) return `it is node ${welcome.from} and not ${to}`;
  return clusterRefusal(welcome.clusterId, self);
}

function clusterRefusal(theirs: string, self: Self): string | undefined {
  const ours = self.clusterId();
  if (theirs === "" || ours === "" || theirs === ours) return undefined;
  return `node ${self.id} belongs to cluster ${ours} and not to ${theirs}`;
}

function checkVersion(reader: ByteReader): void {
  const version = reader.u8();
  if (version !== VERSION) reader.fail(`version ${version} is unknown`);
}

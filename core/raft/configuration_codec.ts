/**
 * Bytes of a configuration, as they are in the log and in snapshots. Permanent:
 * another layout needs another version. Numbers are big-endian.
 *
 *   +------------+----------+----------------------------------------+
 *   | version u8 | count u16|  count times, sorted by id:            |
 *   |    = 1     |          |  role u8 | id text | name text | address text
 *   +------------+----------+----------------------------------------+
 *   role: 1 voter, 2 learner; text: length u8, UTF-8
 */
import { ByteReader, ByteWriter } from "./byte_codec.ts";
import type { Configuration, Member } from "./configuration.ts";

const VERSION = 1;
const ROLES = [undefined, "voter", "learner"] as const;

export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const writer = new ByteWriter();
  writeConfiguration(writer, configuration);
  return writer.finish();
}

/** Throws `corrupt`. */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const reader = new ByteReader(bytes, "a configuration");
  const configuration = readConfiguration(reader);
  reader.end();
  return configuration;
}

export function writeConfiguration(
  writer: ByteWriter,
  configuration: Configuration,
): void {
  writer.u8(VERSION);
  writer.u16(configuration.members.length);
  for (const member of configuration.members) {
    writer.u8(ROLES.indexOf(member.role));
    writer.text(member.id);
    writer.text(member.name);
    writer.text(member.address);
  }
}

export function readConfiguration(reader: ByteReader): Configuration {
  const version = reader.u8();
  if (version !== VERSION) reader.fail(`version ${version} is unknown`);
  const count = reader.u16();
  const members: Member[] = [];
  for (let read = 0; read < count; read++) {
    const member = readMember(reader);
    const previous = members.at(-1);
    if (previous !== undefined && previous.id >= member.id) {
      reader.fail("members are not sorted");
    }
    members.push(member);
  }
  return { members };
}

function readMember(reader: ByteReader): Member {
  const role = ROLES[reader.u8()] ?? reader.fail("a role is unknown");
  const id = reader.text();
  if (id === "") reader.fail("a member has no id");
  return { role, id, name: reader.text(), address: reader.text() };
}

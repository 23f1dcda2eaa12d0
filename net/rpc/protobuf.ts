/**
 * The door to @bufbuild/protobuf for code outside this folder, which handles
 * generated messages that need no speed. Callers: net/client, cli.
 */
export { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";

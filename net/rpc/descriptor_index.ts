/**
 * Finds the descriptors of our protos by file name and by symbol. Callers:
 * reflection.ts.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { DESCRIPTOR_SET_BASE64 } from "./gen/descriptor_set.ts";

export class DescriptorIndex {
  readonly #files = new Map<string, FileDescriptorProto>();
  /** Full name of a service, method, message, field, enum or value to its file. */
  readonly #symbols = new Map<string, FileDescriptorProto>();

  constructor() {
    const bytes = Uint8Array.fromBase64(DESCRIPTOR_SET_BASE64);
    for (const file of fromBinary(FileDescriptorSetSchema, bytes).file) {
      this.#files.set(file.name, file);
      for (const symbol of symbolsIn(file)) this.#symbols.set(symbol, file);
    }
  }

  /** The file and all it imports, serialized; undefined for an unknown name. */
  filesByName(name: string): Uint8Array[] | undefined {
    const file = this.#files.get(name);
    return file === undefined ? undefined : this.#withImports(file);
  }

  /** The file that declares a full name, and all it imports. */
  filesBySymbol(symbol: string): Uint8Array[] | undefined {
    const file = this.#symbols.get(symbol);
    return file === undefined ? undefined : this.#withImports(file);
  }

  #withImports(first: FileDescriptorProto): Uint8Array[] {
    const found = new Set([first]);
    for (const file of found) {
      for (const name of file.dependency) {
        const imported = this.#files.get(name);
        if (imported !== undefined) found.add(imported);
      }
    }
    return [...found].map((file) => toBinary(FileDescriptorProtoSchema, file));
  }
}

function* symbolsIn(file: FileDescriptorProto): Generator<string> {
  const within = file.package === "" ? "" : `${file.package}.`;
  for (const service of file.service) {
    yield within + service.name;
    for (const { name } of service.method) {
      yield `${within}${service.name}.${name}`;
    }
  }
  for (const message of file.messageType) yield* symbolsOf(within, message);
  yield* enumSymbols(within, file.enumType);
}

function* symbolsOf(
  within: string,
  message: DescriptorProto,
): Generator<string> {
  const name = within + message.name;
  yield name;
  for (const field of message.field) yield `${name}.${field.name}`;
  for (const nested of message.nestedType) yield* symbolsOf(`${name}.`, nested);
  yield* enumSymbols(`${name}.`, message.enumType);
}

/** Values of an enum are named beside it, not in it. */
function* enumSymbols(
  within: string,
  enums: DescriptorProto["enumType"],
): Generator<string> {
  for (const { name, value } of enums) {
    yield within + name;
    for (const one of value) yield within + one.name;
  }
}

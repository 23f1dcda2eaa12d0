/** A throw-away authority with server, root and nobody certificates. */
import { join } from "node:path";
import { initSecurityFiles } from "../../net/auth/pki.ts";
import type { TlsMaterial } from "../../net/transport/types.ts";

export interface TestCertificates {
  readonly directory: string;
  readonly server: TlsMaterial;
  /** The certificate by which nodes dial each other. */
  readonly peer: TlsMaterial;
  readonly root: TlsMaterial;
  readonly nobody: TlsMaterial;
  remove(): void;
}

export function makeTestCertificates(): TestCertificates {
  const directory = Deno.makeTempDirSync({ prefix: "proglog_certs_" });
  initSecurityFiles({ directory });
  return {
    ...readTestCertificates(directory),
    remove: () => Deno.removeSync(directory, { recursive: true }),
  };
}

/** Those that another process made. */
export function readTestCertificates(
  directory: string,
): Omit<TestCertificates, "remove"> {
  const read = (name: string) => Deno.readTextFileSync(join(directory, name));
  const material = (name: string): TlsMaterial => ({
    cert: read(`${name}.pem`),
    key: read(`${name}-key.pem`),
    ca: read("ca.pem"),
  });
  return {
    directory,
    server: material("server"),
    peer: material("peer"),
    root: material("root-client"),
    nobody: material("nobody-client"),
  };
}

/**
 * Certificates and the ACL of an agent: read at the start, read again when
 * their files change. Others ask for `tls` and `guard`.
 */
import { ProglogError } from "../../core/errors.ts";
import { openAuthorizer, watchAcl } from "../auth/authorizer_reload.ts";
import {
  type CertificateFiles,
  readCertificateFiles,
} from "../auth/certificate_files.ts";
import { watchCertificate } from "../auth/certificate_watch.ts";
import { isLoopback } from "../auth/insecure.ts";
import type { Guard } from "../rpc/backend.ts";
import type { TlsMaterial } from "../transport/types.ts";
import { type AgentOptions, formatHostPort } from "./config.ts";
import { aclGuard, openGuard } from "./guard.ts";
import type { Host } from "./host.ts";
import type { Part } from "./parts.ts";

interface Watch {
  stop(): void;
}

export class SecurityPart implements Part {
  readonly name = "security";
  readonly #options: AgentOptions;
  readonly #host: Host;
  readonly #watches: Watch[] = [];
  readonly #onRotation: ((material: TlsMaterial) => void)[] = [];
  #guard: Guard = openGuard();
  #tls: TlsMaterial | undefined;
  #peerTls: TlsMaterial | undefined;

  constructor(options: AgentOptions, host: Host) {
    this.#options = options;
    this.#host = host;
  }

  /** Undefined with --insecure. */
  get tls(): TlsMaterial | undefined {
    return this.#tls;
  }

  /** Shown to peers that this agent dials; undefined with --insecure. */
  get peerTls(): TlsMaterial | undefined {
    return this.#peerTls;
  }

  get guard(): Guard {
    return this.#guard;
  }

  /** Called with the new certificate whenever the files have changed. */
  onRotation(take: (material: TlsMaterial) => void): void {
    this.#onRotation.push(take);
  }

  async start(): Promise<void> {
    const { security } = this.#options;
    if (security.kind === "insecure") return this.#startInsecure();
    this.#tls = readCertificateFiles(security.server);
    this.#peerTls = readCertificateFiles(security.peer);
    this.#watchCertificate(security.server, (material) => {
      this.#tls = material;
      for (const take of this.#onRotation) take(material);
    });
    this.#watchCertificate(security.peer, (material) => {
      this.#peerTls = material;
    });
    await this.#startAcl(security);
  }

  stop(): Promise<void> {
    for (const watch of this.#watches) watch.stop();
    return Promise.resolve();
  }

  #startInsecure(): void {
    const { rpcAddress } = this.#options;
    if (!isLoopback(rpcAddress.host)) {
      throw new ProglogError(
        "invalid_argument",
        `Cannot run with --insecure on ${
          formatHostPort(rpcAddress)
        } as it is not a loopback address`,
      );
    }
    this.#host.logger.warn(
      "insecure: no encryption, no identities, everybody on this machine may do everything",
    );
  }

  #watchCertificate(
    files: CertificateFiles,
    take: (material: TlsMaterial) => void,
  ): void {
    const { logger, scheduler } = this.#host;
    this.#watches.push(watchCertificate({
      files,
      scheduler,
      onChange: (material) => {
        take(material);
        logger.info("took new certificates into use", {
          file: files.certFile,
          valid_until: new Date(material.notAfterMs).toISOString(),
        });
      },
      onBroken: (error) =>
        logger.error("kept the old certificates as the new ones are broken", {
          error,
        }),
    }));
  }

  async #startAcl(
    security: AgentOptions["security"] & { kind: "tls" },
  ): Promise<void> {
    const { logger, scheduler } = this.#host;
    const authorizer = await openAuthorizer(security.acl);
    this.#guard = aclGuard(authorizer);
    this.#watches.push(watchAcl({
      files: security.acl,
      authorizer,
      scheduler,
      report: (result) =>
        result.ok
          ? logger.info("took the new policy into use")
          : logger.error("kept the old policy as the new one is broken", {
            error: result.error,
          }),
    }));
  }
}

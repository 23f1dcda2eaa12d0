/**
 * Tells when a certificate was exchanged on disk, once certificate, key and
 * authority fit together again, so that servers can take it over without a
 * restart (`tls.Server.setSecureContext`). Caller: net/agent.
 */
import type { Scheduler } from "../../core/env.ts";
import {
  type CertificateFiles,
  type CertificateMaterial,
  readCertificateFiles,
} from "./certificate_files.ts";
import { type Watch, watchFiles } from "./file_watch.ts";

export interface CertificateWatchOptions {
  readonly files: CertificateFiles;
  readonly scheduler: Scheduler;
  readonly onChange: (material: CertificateMaterial) => void;
  /** Told when the new files do not fit together; the old ones stay in use. */
  readonly onBroken: (error: Error) => void;
  readonly pollMs?: number;
}

export function watchCertificate(options: CertificateWatchOptions): Watch {
  const { files, scheduler } = options;
  return watchFiles({
    paths: [files.certFile, files.keyFile, files.caFile],
    scheduler,
    ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
    onSettled: () => {
      takeOver(options);
      return Promise.resolve();
    },
  });
}

function takeOver(options: CertificateWatchOptions): void {
  try {
    options.onChange(readCertificateFiles(options.files));
  } catch (error) {
    options.onBroken(error instanceof Error ? error : new Error(String(error)));
  }
}

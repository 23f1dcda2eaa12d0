/**
 * What an agent can be told: the typed form of its flags, checked and complete.
 * The command line makes it (cli/agent_options.ts), tests write it by hand.
 */
import type { AclFiles } from "../auth/authorizer_reload.ts";
import type { CertificateFiles } from "../auth/certificate_files.ts";
import type { FsyncPolicy } from "../runtime/fsync.ts";
import type { LogFormat, LogLevel } from "../telemetry/log.ts";

export interface HostPort {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  /** 0 to 65535; 0 lets the system choose. */
  readonly port: number;
}

/** Text form; IPv6 addresses stand in brackets. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export type AgentSecurity =
  | {
    readonly kind: "tls";
    /** Shown to clients and peers that dial this agent. */
    readonly server: CertificateFiles;
    /** Shown to peers that this agent dials. */
    readonly peer: CertificateFiles;
    readonly acl: AclFiles;
  }
  /** No encryption, no identities, everything permitted: loopback only. */
  | { readonly kind: "insecure" };

export interface AgentOptions {
  readonly dataDirectory: string;
  /** Unique in the cluster. */
  readonly nodeName: string;
  /** Gossip, TCP and UDP. */
  readonly bindAddress: HostPort;
  /** gRPC and Raft. */
  readonly rpcAddress: HostPort;
  /** Where others reach our gossip, if that is not `bindAddress`. */
  readonly advertiseAddress: HostPort | undefined;
  /** "host:port", "dns:name:port" or "srv:name"; empty for the first of a cluster. */
  readonly joinSeeds: readonly string[];
  /** Give up and end when no seed answered in this time; undefined: never. */
  readonly joinTimeoutMs: number | undefined;
  /** Found a new cluster when there is no data, also when told to join. */
  readonly bootstrap: boolean;
  /** Found a cluster when exactly so many nodes are there that expect it. */
  readonly bootstrapExpect: number | undefined;
  /** A member that failed this long ago is removed; undefined: 72 hours. */
  readonly failedReapMs: number | undefined;
  readonly security: AgentSecurity;
  /** File with the base64 of 32 bytes; undefined: gossip is not encrypted. */
  readonly gossipKeyFile: string | undefined;
  readonly fsync: FsyncPolicy;
  readonly segmentBytesMax: number;
  /** Roll a segment when its first entry is older; undefined: by size only. */
  readonly segmentAgeMaxMs: number | undefined;
  /** Drop the oldest sealed segments above this size; undefined: keep all. */
  readonly retentionBytes: number | undefined;
  /** Drop sealed segments whose last entry is older; undefined: keep all. */
  readonly retentionAgeMs: number | undefined;
  /** Largest message that a client may send. */
  readonly messageBytesMax: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** What a gossip node is told, and what it is given. */
import type { Clock, Random, Scheduler } from "../../core/env.ts";
import type { SwimTimings } from "../../core/swim/config.ts";
import type { SerfTimings } from "../../core/swim/serf/context.ts";
import type { Cipher } from "../../core/swim/wire/seal.ts";
import type { Tags } from "../../core/swim/wire/tags.ts";
import type { GossipKeys } from "./gossip_keys.ts";
import type { ListenGossip, Resolver } from "../transport/gossip/types.ts";

export interface GossipOptions {
  /** Unique in the cluster; a node keeps it over restarts and moves. */
  readonly name: string;
  /** Where to listen: `host:port`. */
  readonly bindAddr: string;
  /** Where others reach us, if that is not `bindAddr`. */
  readonly advertiseAddr?: string;
  readonly tags: Tags;
  /** The tag that is a node's own for good: with it, moves are known at once. */
  readonly identityTag?: string;
  readonly timings: SwimTimings;
  readonly serfTimings: SerfTimings;
  /** Usually a `Keyring`; without it gossip is plain. */
  readonly cipher?: Cipher;
  /** Usually the same `Keyring`: what key queries of the cluster change. */
  readonly keys?: GossipKeys;
  /** With a cipher: whether plain messages are refused (the default). */
  readonly plainInput?: "refused" | "accepted";
  readonly label?: string;
  readonly streamCompression?: "lzw" | "none";
}

export interface GossipEnvironment {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly resolver: Resolver;
  readonly listen: ListenGossip;
}

/**
 * Gossip of an agent: who is there. Binds, joins the seeds in the background
 * until one answers, tells members and their changes, and leaves in order.
 */
import { TAG_NODE_ID } from "../../core/cluster/node_view.ts";
import { ProglogError } from "../../core/errors.ts";
import { TIMINGS_LAN } from "../../core/swim/config.ts";
import { SERF_TIMINGS } from "../../core/swim/serf/context.ts";
import type { GossipEvent, MemberView } from "../../core/swim/serf/events.ts";
import { formatEndpoint } from "../../core/swim/wire/ip.ts";
import type { Tags } from "../../core/swim/wire/tags.ts";
import type { GossipKeyFacts, KeyOperation } from "../rpc/cluster_backend.ts";
import { type GossipEnvironment, GossipNode } from "../runtime/gossip_loop.ts";
import { type Keyring, openKeyring } from "../transport/gossip/keyring.ts";
import { type AgentOptions, formatHostPort } from "./config.ts";
import type { Host } from "./host.ts";
import type { Part } from "./parts.ts";

/** Kept in the data directory once keys were changed at run time. */
const KEYRING_FILE = "gossip_keyring.json";
/** How often seeds that are no members are called on again. */
const REJOIN_INTERVAL_MS = 30_000;

export interface GossipPartOptions {
  readonly options: AgentOptions;
  readonly host: Host;
  readonly network: Pick<GossipEnvironment, "resolver" | "listen">;
  /** Read when gossip starts: the port for clients is known by then. */
  readonly tags: () => Tags;
  /** Called with each change of a member, and with conflicts and notices. */
  readonly onEvent?: (event: GossipEvent) => void;
}

export class GossipPart implements Part {
  readonly name = "gossip";
  readonly #part: GossipPartOptions;
  #node: GossipNode | undefined;
  #keyring: Keyring | undefined;
  #cancelRejoin: () => void = () => undefined;
  #isStopping = false;
  /** As they were at the end: calls that are still open forward by them. */
  #lastMembers: MemberView[] | undefined;

  constructor(part: GossipPartOptions) {
    this.#part = part;
  }

  /** Also after the end. */
  members(): MemberView[] {
    return this.#lastMembers ?? this.#node?.members() ?? [];
  }

  /** Undefined when gossip is not encrypted. */
  get keyring(): Keyring | undefined {
    return this.#keyring;
  }

  /** On all nodes; rejects with `invalid_argument` when gossip is not encrypted. */
  async changeKey(
    { operation, key }: { operation: KeyOperation; key: string },
  ): Promise<GossipKeyFacts> {
    if (this.#keyring === undefined || this.#node === undefined) {
      throw new ProglogError(
        "invalid_argument",
        "Cannot change gossip keys as gossip is not encrypted",
      );
    }
    return await this.#node.changeKeys({ operation, key: parseGossipKey(key) });
  }

  get node(): GossipNode | undefined {
    return this.#node;
  }

  async start(): Promise<void> {
    const { options, host, network, tags } = this.#part;
    this.#keyring = await this.#openKeys();
    const cipher = this.#keyring;
    const node = new GossipNode(
      {
        name: options.nodeName,
        bindAddr: formatHostPort(options.bindAddress),
        ...(options.advertiseAddress === undefined ? {} : {
          advertiseAddr: formatHostPort(options.advertiseAddress),
        }),
        tags: tags(),
        identityTag: TAG_NODE_ID,
        timings: TIMINGS_LAN,
        serfTimings: SERF_TIMINGS,
        ...(cipher === undefined ? {} : { cipher, keys: cipher }),
      },
      { ...host, ...network },
      (event) => this.#tell(event),
    );
    await node.start();
    this.#node = node;
    host.logger.info("gossiping", {
      bind_addr: formatEndpoint(node.local),
      encrypted: cipher !== undefined,
    });
    this.#join(node);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancelRejoin();
    await this.#node?.leave();
    this.#lastMembers = this.members();
    await this.#node?.stop();
  }

  /** The key file of the configuration, unless keys were changed since. */
  #openKeys(): Promise<Keyring | undefined> {
    const { gossipKeyFile, dataDirectory } = this.#part.options;
    if (gossipKeyFile === undefined) return Promise.resolve(undefined);
    return openKeyring({
      keyFile: gossipKeyFile,
      keyringFile: `${dataDirectory}/${KEYRING_FILE}`,
    });
  }

  #join(node: GossipNode): void {
    const { options, host } = this.#part;
    const { joinSeeds, joinTimeoutMs } = options;
    if (joinSeeds.length === 0) return;
    const limit = joinTimeoutMs === undefined
      ? {}
      : { timeoutMs: joinTimeoutMs };
    node.join(joinSeeds, limit).then((outcome) => {
      if (outcome.ok) {
        const answered = outcome.answered.map(formatEndpoint);
        host.logger.info("joined", { seeds: answered.join(" ") });
        this.#rejoinLater(node);
      } else if (outcome.reason === "timed_out") {
        host.fail(
          new ProglogError(
            "unavailable",
            `Cannot join as none of ${
              joinSeeds.join(", ")
            } answered in ${joinTimeoutMs} ms`,
          ),
        );
      }
    }, (cause) => host.fail(cause));
  }

  /** For as long as we run: who answered may have been alone with us. */
  #rejoinLater(node: GossipNode): void {
    if (this.#isStopping) return;
    const { options, host } = this.#part;
    this.#cancelRejoin = host.scheduler.after(REJOIN_INTERVAL_MS, () => {
      node.rejoin(options.joinSeeds).then(
        () => this.#rejoinLater(node),
        (cause) => host.fail(cause),
      );
    });
  }

  #tell(event: GossipEvent): void {
    logEvent(event, this.#part);
    this.#part.onEvent?.(event);
  }
}

/** Empty where none is needed. */
function parseGossipKey(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text);
  } catch (cause) {
    throw new ProglogError(
      "invalid_argument",
      `Cannot use the gossip key "${text}" as it is not base64`,
      { cause },
    );
  }
}

function logEvent(event: GossipEvent, { host }: GossipPartOptions): void {
  const { logger } = host;
  switch (event.kind) {
    case "member_join":
    case "member_update":
    case "member_leave":
    case "member_failed":
    case "member_reap":
      return logger.info(event.kind.replace("_", " "), {
        member: event.member.name,
        address: formatEndpoint(event.member),
      });
    case "name_conflict":
      return logger.error(
        event.isOurs
          ? "another node uses this node's name: give one of them another --node-name"
          : "two live nodes have one name",
        {
          member: event.name,
          known: formatEndpoint(event.known),
          claimed: formatEndpoint(event.claimed),
        },
      );
    case "notice":
      return logger.warn(event.text);
    default:
      return;
  }
}

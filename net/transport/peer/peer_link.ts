/** Both lanes to one peer, and whether it can be reached. */
import type { ProglogError } from "../../../core/errors.ts";
import { type LaneEnvironment, LaneLink, type LaneState } from "./lane_link.ts";
import { type Lane, LANES } from "./limits.ts";
import type { PeerLinksOptions } from "./peer_links.ts";
import type { SendOutcome } from "./send_queue.ts";

export interface PeerLinkOptions
  extends Pick<PeerLinksOptions, "onLinkState" | "onNotice"> {
  readonly id: string;
  readonly address: string;
}

export interface PeerLinkStatus {
  readonly id: string;
  readonly address: string;
  readonly state: "up" | "down";
  readonly lanes: Readonly<Record<Lane, LaneState>>;
  readonly queuedBytes: number;
  /** Why the last connection or attempt failed, while it is down. */
  readonly reason: string | undefined;
}

export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #lanes: Readonly<Record<Lane, LaneLink>>;
  #address: string;
  #state: "up" | "down" = "down";
  #reason: string | undefined;

  constructor(env: LaneEnvironment, options: PeerLinkOptions) {
    this.#options = options;
    this.#address = options.address;
    const lane = (lane: Lane) =>
      new LaneLink(env, {
        peerId: options.id,
        lane,
        address: options.address,
        onUp: () => this.#laneUp(),
        onDown: (reason) => this.#laneDown(lane, reason),
      });
    this.#lanes = { control: lane("control"), bulk: lane("bulk") };
  }

  get status(): PeerLinkStatus {
    const { control, bulk } = this.#lanes;
    return {
      id: this.#options.id,
      address: this.#address,
      state: this.#state,
      lanes: { control: control.state, bulk: bulk.state },
      queuedBytes: control.queuedBytes + bulk.queuedBytes,
      reason: this.#reason,
    };
  }

  send(pieces: readonly Uint8Array[], lane: Lane): SendOutcome {
    return this.#lanes[lane].send(pieces);
  }

  readdress(address: string): void {
    if (address === this.#address) return;
    this.#address = address;
    this.#setDown();
    for (const lane of LANES) this.#lanes[lane].readdress(address);
  }

  retryNow(): void {
    for (const lane of LANES) this.#lanes[lane].retryNow();
  }

  stop(): void {
    for (const lane of LANES) this.#lanes[lane].stop();
    this.#setDown();
  }

  #laneUp(): void {
    const { control, bulk } = this.#lanes;
    if (control.state !== "open" || bulk.state !== "open") {
      return this.retryNow();
    }
    this.#state = "up";
    this.#reason = undefined;
    const { id, onLinkState, onNotice } = this.#options;
    onNotice({
      level: "info",
      message: "linked to peer",
      fields: { peer: id, address: this.#address },
    });
    onLinkState(id, "up");
  }

  #laneDown(lane: Lane, reason: ProglogError): void {
    this.#setDown();
    this.#tell(reason);
    // Control is watched more closely: where it is dead, so is bulk.
    if (lane === "control" && this.#lanes.bulk.state === "open") {
      this.#lanes.bulk.break(reason);
    }
  }

  #setDown(): void {
    if (this.#state === "down") return;
    this.#state = "down";
    this.#options.onLinkState(this.#options.id, "down");
  }

  /** Once a reason, not once an attempt. */
  #tell(reason: ProglogError): void {
    if (reason.message === this.#reason) return;
    this.#reason = reason.message;
    this.#options.onNotice({
      level: "warn",
      message: "no link to peer",
      fields: {
        peer: this.#options.id,
        address: this.#address,
        reason: reason.message,
      },
    });
  }
}

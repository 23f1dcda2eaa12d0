/**
 * Peer links over loopback, both ends in this process: round trips of small
 * messages, and megabytes a second of large ones with 8 in flight.
 *
 *   deno run -A tests/bench/peer_links_bench.ts
 */
import { identityOf } from "../../net/auth/subject.ts";
import { createClock, createScheduler } from "../../net/os/clock.ts";
import { createRandom } from "../../net/os/random.ts";
import { listen } from "../../net/transport/listener.ts";
import { PeerLinks } from "../../net/transport/peer/peer_links.ts";
import { PROTOCOL_RAFT } from "../../net/transport/types.ts";
import {
  makeTestCertificates,
  type TestCertificates,
} from "../support/test_certificates.ts";

const ROUND_TRIPS = 2_000;
const LARGE_COUNT = 600;
const LARGE_IN_FLIGHT = 8;
const SMALL = new Uint8Array(64);
const LARGE = new Uint8Array(1024 * 1024);

async function open(
  id: string,
  certificates: TestCertificates | undefined,
  onMessage: (links: PeerLinks) => void,
) {
  const up = Promise.withResolvers<void>();
  const scheduler = createScheduler();
  const links: PeerLinks = new PeerLinks({
    self: { id, clusterId: () => "" },
    tls: () => certificates?.peer,
    clock: createClock(),
    scheduler,
    random: createRandom(),
    onMessage: () => onMessage(links),
    onLinkState: (_, state) => state === "up" ? up.resolve() : undefined,
    onNotice: () => undefined,
  });
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    tls: certificates?.server,
    identify: identityOf,
    protocols: new Map([[PROTOCOL_RAFT, links.handler]]),
    scheduler,
  });
  return { links, listener, up: up.promise };
}

async function measure(certificates: TestCertificates | undefined) {
  let answered = () => {};
  const a = await open("a", certificates, () => answered());
  const b = await open(
    "b",
    certificates,
    (links) => links.send("a", [SMALL], "control"),
  );
  a.links.setPeers(new Map([["b", `127.0.0.1:${b.listener.port}`]]));
  b.links.setPeers(new Map([["a", `127.0.0.1:${a.listener.port}`]]));
  await Promise.all([a.up, b.up]);
  const roundTripsMs: number[] = [];
  for (let n = 0; n < ROUND_TRIPS; n++) {
    const sentMs = performance.now();
    await new Promise<void>((resolve) => {
      answered = resolve;
      a.links.send("b", [SMALL], "control");
    });
    roundTripsMs.push(performance.now() - sentMs);
  }
  roundTripsMs.sort((left, right) => left - right);
  const startedMs = performance.now();
  await new Promise<void>((resolve) => {
    let [sent, inFlight] = [0, 0];
    const fill = () => {
      while (inFlight < LARGE_IN_FLIGHT && sent < LARGE_COUNT) {
        a.links.send("b", [SMALL, LARGE], "bulk");
        [sent, inFlight] = [sent + 1, inFlight + 1];
      }
      if (inFlight === 0) resolve();
    };
    answered = () => {
      inFlight -= 1;
      fill();
    };
    fill();
  });
  const seconds = (performance.now() - startedMs) / 1_000;
  for (const { links, listener } of [a, b]) {
    links.stop();
    await listener.close({ drainMs: 0 });
  }
  const at = (share: number) =>
    roundTripsMs[Math.floor(ROUND_TRIPS * share)]?.toFixed(3);
  const megabytes = LARGE_COUNT * LARGE.length / 1e6;
  console.log(
    `${certificates === undefined ? "plain" : "TLS"}: round trip p50 ${
      at(0.5)
    } ms, p99 ${at(0.99)} ms; ${(megabytes / seconds).toFixed(0)} MB/s`,
  );
}

const certificates = makeTestCertificates();
try {
  await measure(certificates);
  await measure(undefined);
} finally {
  certificates.remove();
}

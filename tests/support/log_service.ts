/**
 * The log service on a memory disk behind the real gRPC machine, without
 * sockets or real time: what a client sees of one node.
 */
import { ProglogError } from "../../core/errors.ts";
import type { Action, ServiceBackend } from "../../net/rpc/backend.ts";
import { logMethods } from "../../net/rpc/service.ts";
import { statusOf } from "../../net/rpc/status.ts";
import { Replica } from "../../net/runtime/replica/replica.ts";
import { type GrpcPair, makeGrpcPair, ManualTime } from "./grpc_pair.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { seededRandom } from "./seeded_random.ts";

export interface LogService {
  readonly pair: GrpcPair;
  readonly disk: MemoryDisk;
  readonly log: Replica;
  readonly time: ManualTime;
  readonly policy: TestPolicy;
}

/** What is forbidden, and a generation that grows with each change. */
export class TestPolicy {
  generation = 0;
  readonly #forbidden = new Set<Action>();

  forbid(action: Action): void {
    this.#forbidden.add(action);
    this.generation += 1;
  }

  authorize(_call: unknown, object: string, action: Action): void {
    if (!this.#forbidden.has(action)) return;
    throw new ProglogError(
      "permission_denied",
      `root not permitted to ${action} to ${object}`,
    );
  }
}

export async function makeLogService(
  disk: MemoryDisk = new MemoryDisk(),
): Promise<LogService> {
  const time = new ManualTime();
  const log = await Replica.open({
    disk,
    directory: "/data/default",
    logName: "default",
    clock: time,
    scheduler: time,
    random: seededRandom(1),
    config: { segmentBytesMax: 1024 * 1024, segmentAgeMaxMs: Infinity },
    retention: { bytesMax: null, ageMaxMs: null },
    fsync: { kind: "always" },
    network: { send: () => undefined },
    watcher: { event: () => undefined, failed: () => undefined },
  });
  await log.bootstrap([{ id: log.nodeId, name: "one", address: "one:8400" }]);
  await untilLeader({ log, time });
  const policy = new TestPolicy();
  const backend: ServiceBackend = {
    guard: policy,
    log: (name) => name === "default" ? log : undefined,
    servers: () => [
      { id: "one", rpcAddress: "127.0.0.1:8400", isLeader: true },
    ],
    status: () => {
      throw new Error("Not asked in these tests");
    },
  };
  const pair = makeGrpcPair({ methods: logMethods(backend), statusOf });
  return { pair, disk, log, time, policy };
}

/** Elections need time; a group of one elects itself. */
export async function untilLeader(
  { log, time }: { log: Replica; time: ManualTime },
): Promise<void> {
  for (let n = 0; n < 100 && !log.isLeader; n++) {
    time.advance(50);
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  }
  if (!log.isLeader) throw new Error("The only node does not lead");
}

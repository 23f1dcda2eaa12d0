/** What an agent that stops tells its replicas, and its operator. */
import assert from "node:assert/strict";
import { nodeTags } from "../../../../core/cluster/node_view.ts";
import { ProglogError } from "../../../../core/errors.ts";
import type {
  MemberStatus,
  MemberView,
} from "../../../../core/swim/serf/events.ts";
import { handOverPart } from "../../../../net/agent/cluster/hand_over.ts";
import type { Replica } from "../../../../net/runtime/replica/replica.ts";
import type { HandOverOutcome } from "../../../../net/runtime/replica/types.ts";
import { VirtualTime } from "../../../support/virtual_time.ts";
import { simLogger } from "../../../sim/node/sim_logger.ts";

function member(name: string, status: MemberStatus): MemberView {
  const tags = nodeTags({
    id: `id-${name}`,
    rpcAddress: "b:1",
    clusterId: "c",
  });
  return { name, host: "127.0.0.1", port: 1, tags, status, sinceMs: 0 };
}

async function stopWith(
  handOver: (avoid: ReadonlySet<string>) => Promise<HandOverOutcome>,
): Promise<string[]> {
  const logged: string[] = [];
  const replica = { handOver, leaderId: "id-b" } as unknown as Replica;
  const part = handOverPart({
    host: {
      clock: new VirtualTime(),
      logger: simLogger((message) => logged.push(message)),
    },
    replicas: () => [replica],
    members: () => [member("b", "alive"), member("c", "leaving")],
  });
  await part.start();
  await part.stop();
  return logged;
}

Deno.test("handOverPart() asks none that is about to stop, too", async () => {
  const avoided: string[] = [];
  const logged = await stopWith((avoid) => {
    avoided.push(...avoid);
    return Promise.resolve("handed_over");
  });
  assert.deepEqual(avoided, ["id-c"]);
  assert.deepEqual(logged, ["handed leadership over"]);
});

Deno.test("handOverPart() tells when nobody took over, and not when nobody could", async () => {
  assert.deepEqual(await stopWith(() => Promise.resolve("timed_out")), [
    "nobody took leadership over",
  ]);
  assert.deepEqual(await stopWith(() => Promise.resolve("nobody")), []);
});

Deno.test("handOverPart() lets an agent stop whose log has failed", async () => {
  const failed = () =>
    Promise.reject(new ProglogError("unavailable", "The log has failed"));
  assert.deepEqual(await stopWith(failed), []);
});

/** A replica that founds its group while others already ask for its vote. */
import assert from "node:assert/strict";
import { logIndex, term } from "../../../../core/ids.ts";
import { founderOf, ReplicaWorld } from "./support/replica_world.ts";

const IDS = ["a", "b", "c"];
const TERM = term(2);

/** What `a` answered to those who asked for its vote in TERM. */
function watchVotes(world: ReplicaWorld): string[] {
  const granted: string[] = [];
  world.filter = (message) => {
    const isVote = message.kind === "vote_response" && message.from === "a" &&
      message.term === TERM && message.vote === "granted";
    if (isVote) granted.push(message.to);
    return true;
  };
  return granted;
}

function askForVote(world: ReplicaWorld, from: string): void {
  world.node("a").up.receive({
    log: "default",
    from,
    to: "a",
    term: TERM,
    kind: "vote_request",
    cause: "transfer",
    lastIndex: logIndex(1),
    lastTerm: term(1),
  });
}

Deno.test("bootstrap() forgets no vote that was asked for between its first entry and the sync", async () => {
  for (let asksAtTurn = 0; asksAtTurn < 12; asksAtTurn++) {
    const world = new ReplicaWorld();
    await world.open("a");
    const granted = watchVotes(world);
    const { disk } = world.node("a");
    const held = Promise.withResolvers<void>();
    disk.beforeSync = () => held.promise;
    const founding = world.node("a").up.bootstrap(IDS.map(founderOf));
    for (let turn = asksAtTurn; turn > 0; turn--) await Promise.resolve();
    askForVote(world, "b");
    await world.time.run(20);
    disk.beforeSync = () => Promise.resolve();
    held.resolve();
    const result = await world.time.settled(founding);
    await world.time.run(20);
    askForVote(world, "c");
    await world.time.run(20);
    const name = `asked ${asksAtTurn} turns after the start, ${result.ok}`;
    assert.equal(granted.length, 1, name);
    assert.equal(world.node("a").failure, undefined);
    await world.stopAll();
  }
});

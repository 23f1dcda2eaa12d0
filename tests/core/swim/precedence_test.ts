/** The order of claims is a lattice, and tables that obey it agree. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Claim,
  compareClaims,
  judgeMove,
  refutingIncarnation,
} from "../../../core/swim/precedence.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { ScriptedNode } from "./scripted_node.ts";

const claim: fc.Arbitrary<Claim> = fc.record({
  status: fc.constantFrom("alive", "suspect", "dead", "left"),
  incarnation: fc.nat(5),
}, { noNullPrototype: true });

function join(a: Claim, b: Claim): Claim {
  return compareClaims(a, b) >= 0 ? a : b;
}

Deno.test("compareClaims() is a total order", () => {
  fc.assert(fc.property(claim, claim, claim, (a, b, c) => {
    assert.equal(compareClaims(a, b) + compareClaims(b, a), 0);

    if (compareClaims(a, b) === 0) assert.deepEqual(a, b);
    if (compareClaims(a, b) <= 0 && compareClaims(b, c) <= 0) {
      assert.ok(compareClaims(a, c) <= 0);
    }
  }));
});

Deno.test("compareClaims() makes claims a lattice: join is associative, commutative, idempotent", () => {
  fc.assert(fc.property(claim, claim, claim, (a, b, c) => {
    assert.deepEqual(join(a, join(b, c)), join(join(a, b), c));
    assert.equal(compareClaims(join(a, b), join(b, a)), 0);
    assert.deepEqual(join(a, a), a);
  }));
});

Deno.test("refutingIncarnation() beats every claim of the accuser", () => {
  fc.assert(fc.property(claim, fc.nat(5), (accused, own) => {
    const incarnation = refutingIncarnation(own, accused.incarnation);
    assert.ok(compareClaims({ status: "alive", incarnation }, accused) > 0);
  }));
});

const MOVES = [
  { status: "alive", goneForMs: 99_999, verdict: "conflict" },
  { status: "suspect", goneForMs: 99_999, verdict: "conflict" },
  { status: "dead", goneForMs: 29_999, verdict: "conflict" },
  { status: "dead", goneForMs: 30_000, verdict: "move" },
  { status: "left", goneForMs: 0, verdict: "move" },
] as const;

for (const { status, goneForMs, verdict } of MOVES) {
  Deno.test(`judgeMove() of a member ${status} for ${goneForMs} ms is a ${verdict}`, () => {
    const known = { status, incarnation: 1, statusChangedAtMs: 0 };
    const options = { nowMs: goneForMs, reclaimMs: 30_000 };
    assert.equal(judgeMove(known, options), verdict);
  });
}

Deno.test("receive() of the same claims in any order gives the same table", () => {
  const story = fc.record({
    claims: fc.array(
      fc.record({ node: fc.constantFrom("b", "c", "d"), claim }),
      { minLength: 1, maxLength: 12 },
    ),
    seed: fc.nat(),
  });
  fc.assert(fc.property(story, ({ claims, seed }) => {
    const first = tableAfter(claims);
    const random = seededRandom(seed);
    const shuffled = claims
      .map((claim) => ({ claim, key: random.nextU32() }))
      .sort((a, b) => a.key - b.key).map(({ claim }) => claim);
    assert.deepEqual(tableAfter(shuffled), first);
    // What comes twice changes nothing.
    assert.deepEqual(tableAfter([...shuffled, ...claims]), first);
  }));
});

function tableAfter(
  claims: readonly { readonly node: string; readonly claim: Claim }[],
): string[] {
  const script = new ScriptedNode("a");
  for (const node of ["b", "c", "d"]) {
    script.receiveClaim(node, { status: "alive", incarnation: 0 });
  }
  for (const { node, claim } of claims) script.receiveClaim(node, claim);
  return script.swimTable();
}

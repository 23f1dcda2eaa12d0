import assert from "node:assert/strict";
import fc from "fast-check";
import { IdTable } from "../../core/id_table.ts";

Deno.test("IdTable is a Map, for any ids in any order", () => {
  // Few distinct ids, some with the same home, so that runs form and break.
  const id = fc.integer({ min: 1, max: 40 })
    .map((n) => n % 3 === 0 ? n * 128 + 1 : n);
  const change = fc.record({ id, isSet: fc.boolean() });
  fc.assert(fc.property(
    fc.array(change, { minLength: 1, maxLength: 400 }),
    (changes) => {
      const table = new IdTable<number>();
      const map = new Map<number, number>();
      for (const [n, { id, isSet }] of changes.entries()) {
        if (isSet) {
          table.set(id, n);
          map.set(id, n);
        } else {
          table.delete(id);
          map.delete(id);
        }
        assert.equal(table.size, map.size);
        for (const [known, value] of map) assert.equal(table.get(known), value);
        if (!isSet) assert.equal(table.get(id), undefined);
      }
      const inOrder = (values: Iterable<number>) => [...values].sort();
      assert.deepEqual(inOrder(table.values()), inOrder(map.values()));
    },
  ));
});

Deno.test("IdTable grows, keeps ids up to 2^32 - 1, and forgets all at clear()", () => {
  const table = new IdTable<string>();
  const ids = Array.from({ length: 5_000 }, (_, n) => 2 ** 32 - 1 - 2 * n);
  for (const id of ids) table.set(id, `${id}`);
  assert.equal(table.size, 5_000);
  assert.ok(ids.every((id) => table.get(id) === `${id}`));
  table.clear();
  assert.deepEqual([table.size, table.values()], [0, []]);
  assert.equal(table.get(2 ** 32 - 1), undefined);
});

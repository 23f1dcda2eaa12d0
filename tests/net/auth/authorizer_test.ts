import assert from "node:assert/strict";
import { isProglogError } from "../../../core/errors.ts";
import {
  MODEL_TEMPLATE,
  POLICY_TEMPLATE,
} from "../../../net/auth/acl_templates.ts";
import { type Action, Authorizer } from "../../../net/auth/authorizer.ts";

function withPolicy(policy: string): Promise<Authorizer> {
  return Authorizer.create({ model: MODEL_TEMPLATE, policy });
}

Deno.test("authorize() lets root do everything by the policy that is shipped", async () => {
  const authorizer = await withPolicy(POLICY_TEMPLATE);
  for (const action of ["produce", "consume", "admin"] as const) {
    for (const object of ["default", "orders", "*"]) {
      assert.deepEqual(
        authorizer.authorize({ subject: "root", object, action }),
        { ok: true },
      );
    }
  }
});

Deno.test("authorize() denies nobody in the words of the book", async () => {
  const authorizer = await withPolicy(POLICY_TEMPLATE);
  assert.deepEqual(
    authorizer.authorize({
      subject: "nobody",
      object: "default",
      action: "produce",
    }),
    { ok: false, message: "nobody not permitted to produce to default" },
  );
  assert.deepEqual(
    authorizer.authorize({
      subject: "nobody",
      object: "default",
      action: "consume",
    }),
    { ok: false, message: "nobody not permitted to consume to default" },
  );
});

Deno.test("authorize() matches subjects, logs and actions", async () => {
  const authorizer = await withPolicy(`
    # comment
    p, alice, orders-*, produce
    p, *, public, consume
    p, writers, default, produce
    g, bob, writers
    p, carol, default, *
  `);
  const rows: [string, string, string, Action, boolean][] = [
    ["prefix", "alice", "orders-eu", "produce", true],
    ["prefix, other action", "alice", "orders-eu", "consume", false],
    ["prefix must match", "alice", "order", "produce", false],
    ["everybody", "mallory", "public", "consume", true],
    ["everybody, exact log", "mallory", "public2", "consume", false],
    ["role", "bob", "default", "produce", true],
    ["role, other log", "bob", "other", "produce", false],
    ["every action", "carol", "default", "admin", true],
    ["a star in a request is no wildcard", "carol", "*", "produce", false],
    [
      "a subject called star is not everybody",
      "*",
      "default",
      "produce",
      false,
    ],
    ["an empty subject is nobody", "", "default", "produce", false],
  ];
  for (const [name, subject, object, action, ok] of rows) {
    assert.equal(
      authorizer.authorize({ subject, object, action }).ok,
      ok,
      name,
    );
  }
});

Deno.test("authorize() denies everything by an empty policy", async () => {
  const authorizer = await withPolicy("");
  const request = {
    subject: "root",
    object: "default",
    action: "consume",
  } as const;
  assert.equal(authorizer.authorize(request).ok, false);
});

Deno.test("replace() forgets decisions and raises the generation", async () => {
  const authorizer = await withPolicy("p, root, *, *");
  const request = {
    subject: "root",
    object: "default",
    action: "consume",
  } as const;
  assert.equal(authorizer.authorize(request).ok, true);
  const before = authorizer.generation;
  await authorizer.replace({ model: MODEL_TEMPLATE, policy: "" });
  assert.equal(authorizer.authorize(request).ok, false);
  assert.ok(authorizer.generation > before);
});

Deno.test("replace() keeps the old policy when the new one is wrong", async () => {
  const authorizer = await withPolicy("p, root, *, *");
  const before = authorizer.generation;
  const request = {
    subject: "root",
    object: "default",
    action: "consume",
  } as const;
  await assert.rejects(
    authorizer.replace({ model: MODEL_TEMPLATE, policy: "q, a, b, c" }),
  );
  await assert.rejects(authorizer.replace({ model: "nonsense", policy: "" }));
  assert.equal(authorizer.authorize(request).ok, true);
  assert.equal(authorizer.generation, before);
});

Deno.test("create() names the wrong line of a policy", async () => {
  const rows: [string, string, RegExp][] = [
    [
      "kind",
      "\nallow, root, *, *",
      /^Cannot use line 2 of the policy as it starts with "allow"/,
    ],
    [
      "too few fields",
      "p, root, *",
      /line 1 .* the form is "p, subject, log, action"/,
    ],
    [
      "unknown action",
      "p, root, *, read",
      /line 1 .* "read" is not one of produce, consume/,
    ],
    ["empty field", "p, , *, produce", /line 1 .* "" is not a name/],
    ["quotes", 'p, "root", *, produce', /is not a name/],
    ["inherited name", "constructor, a, b", /starts with "constructor"/],
  ];
  for (const [name, policy, message] of rows) {
    await assert.rejects(
      withPolicy(policy),
      (error) =>
        isProglogError(error, "invalid_argument") &&
        message.test(error.message),
      name,
    );
  }
});

Deno.test("create() refuses a model that cannot be evaluated", async () => {
  const models = [
    "",
    MODEL_TEMPLATE.replace("keyMatch(r.obj", "noMatch(r.obj"),
  ];
  for (const model of models) {
    await assert.rejects(
      Authorizer.create({ model, policy: POLICY_TEMPLATE }),
      (error) => isProglogError(error, "invalid_argument"),
    );
  }
});

Deno.test("authorize() stays right when more logs are asked for than it remembers", async () => {
  const authorizer = await withPolicy("p, alice, a*, produce");
  for (let i = 0; i < 10_050; i++) {
    const object = `${i % 2 === 0 ? "a" : "b"}${i}`;
    const decision = authorizer.authorize({
      subject: "alice",
      object,
      action: "produce",
    });
    assert.equal(decision.ok, i % 2 === 0);
  }
});

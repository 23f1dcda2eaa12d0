/**
 * Who may do what: casbin behind one synchronous question. Decisions are kept,
 * so that asking per record costs a map lookup; a new policy forgets them and
 * raises `generation`, so that a long stream knows when to ask again.
 * The one door to casbin. Callers: net/rpc, authorizer_reload.ts.
 */
import {
  type Enforcer,
  newEnforcer,
  newModelFromString,
  StringAdapter,
} from "casbin";
import { ProglogError } from "../../core/errors.ts";
import { parsePolicy } from "./policy_file.ts";

export type Action = "produce" | "consume" | "admin";

export interface AccessRequest {
  /** Common name of the client certificate. */
  readonly subject: string;
  /** Log name. */
  readonly object: string;
  readonly action: Action;
}

export type AccessDecision =
  | { readonly ok: true }
  | { readonly ok: false; readonly message: string };

export interface AclText {
  readonly model: string;
  readonly policy: string;
}

/** Log names come from clients, so what is kept has a bound. */
const DECISIONS_MAX = 10_000;
const ALLOWED: AccessDecision = { ok: true };

export class Authorizer {
  #enforcer: Enforcer;
  #generation = 1;
  readonly #decisions = new Map<string, AccessDecision>();

  private constructor(enforcer: Enforcer) {
    this.#enforcer = enforcer;
  }

  /** Throws `invalid_argument` that says what is wrong with model or policy. */
  static async create(text: AclText): Promise<Authorizer> {
    return new Authorizer(await createEnforcer(text));
  }

  /** Grows whenever an answer of `authorize` may have changed. */
  get generation(): number {
    return this.#generation;
  }

  /** Allowed, or the message for the caller. Without a permitting rule: denied. */
  authorize(request: AccessRequest): AccessDecision {
    const { subject, object, action } = request;
    const key = `${action}\0${object}\0${subject}`;
    const known = this.#decisions.get(key);
    if (known !== undefined) return known;
    const decision = this.#decide(request);
    if (this.#decisions.size >= DECISIONS_MAX) this.#decisions.clear();
    this.#decisions.set(key, decision);
    return decision;
  }

  /** Takes a new model and policy; when they are wrong throws and keeps the old. */
  async replace(text: AclText): Promise<void> {
    this.#enforcer = await createEnforcer(text);
    this.#decisions.clear();
    this.#generation += 1;
  }

  #decide({ subject, object, action }: AccessRequest): AccessDecision {
    if (this.#enforcer.enforceSync(subject, object, action)) return ALLOWED;
    return {
      ok: false,
      message: `${subject} not permitted to ${action} to ${object}`,
    };
  }
}

async function createEnforcer(text: AclText): Promise<Enforcer> {
  const rules = parsePolicy(text.policy);
  try {
    await tryModel(text.model);
    return await build(text.model, rules);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ProglogError(
      "invalid_argument",
      `Cannot use the ACL model: ${reason}`,
      { cause },
    );
  }
}

/**
 * casbin evaluates a matcher only as far as a request leads it: a request that
 * equals its one rule leads through all of it, so that faults show now.
 */
async function tryModel(model: string): Promise<void> {
  const request = ["nobody", "default", "produce"];
  const enforcer = await build(model, [["p", ...request]]);
  enforcer.enforceSync(...request);
}

function build(model: string, rules: readonly string[][]): Promise<Enforcer> {
  // The adapter refuses empty text, but a policy without rules is a good one.
  const lines = ["# rules", ...rules.map((rule) => rule.join(", "))];
  return newEnforcer(
    newModelFromString(model),
    new StringAdapter(lines.join("\n")),
  );
}

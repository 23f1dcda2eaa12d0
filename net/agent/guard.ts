/**
 * The one place that enforces the ACL for clients: subject of the connection, or
 * whom a node forwards for; log name as object; action. Callers: the rpc handlers.
 */
import { ProglogError } from "../../core/errors.ts";
import type { Authorizer } from "../auth/authorizer.ts";
import type { Guard } from "../rpc/backend.ts";
import { callerOf } from "../rpc/on_behalf.ts";

/** Asks the policy; without a verified certificate nothing is allowed. */
export function aclGuard(authorizer: Authorizer): Guard {
  return {
    get generation() {
      return authorizer.generation;
    },
    authorize(call, object, action) {
      const subject = callerOf(call);
      if (subject === undefined) {
        throw new ProglogError(
          "unauthenticated",
          "Cannot tell who is calling as no client certificate was presented",
        );
      }
      const decision = authorizer.authorize({ subject, object, action });
      if (!decision.ok) {
        throw new ProglogError("permission_denied", decision.message);
      }
    },
  };
}

/** With --insecure there are no identities: everything is permitted. */
export function openGuard(): Guard {
  return { generation: 0, authorize: () => undefined };
}

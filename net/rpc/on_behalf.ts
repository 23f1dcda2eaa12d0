/**
 * Who a call is for. A node that forwards a call to the leader names the caller
 * it has authenticated; that is believed from other nodes and from nobody else.
 * Callers: forward.ts, the guard of the agent.
 */
import { ProglogError } from "../../core/errors.ts";
import { Metadata } from "../grpc/metadata.ts";
import type { ServerCall } from "../grpc/types.ts";

/** Percent-encoded subject, as subjects need not be ASCII. */
const ON_BEHALF_OF = "proglog-on-behalf-of";
/** Set on every forwarded call: it is not forwarded again. */
const FORWARDED = "proglog-forwarded";

/** What the policy is asked about; undefined when nobody is authenticated. */
export function callerOf(call: ServerCall): string | undefined {
  const { subject, role } = call.peer;
  if (role !== "peer") return subject;
  const named = call.metadata.get(ON_BEHALF_OF);
  return named === undefined ? subject : decodeSubject(named);
}

export function isForwarded(call: ServerCall): boolean {
  return call.metadata.get(FORWARDED) !== undefined;
}

/** The metadata under which `call` goes on to the leader. */
export function onBehalfOf(call: ServerCall): Metadata {
  const metadata = Metadata.of({ [FORWARDED]: "1" });
  const subject = callerOf(call);
  if (subject !== undefined) {
    metadata.set(ON_BEHALF_OF, encodeURIComponent(subject));
  }
  return metadata;
}

function decodeSubject(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new ProglogError(
      "unauthenticated",
      `Cannot read the subject in ${ON_BEHALF_OF}`,
      { cause },
    );
  }
}

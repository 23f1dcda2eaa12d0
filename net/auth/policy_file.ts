/**
 * Reads the text of a policy file into rules, and says which line is wrong:
 * casbin itself skips what it does not understand, and a rule that is silently
 * missing is found too late. Pure. Caller: authorizer.ts.
 */
import { ProglogError } from "../../core/errors.ts";

/** Names in a rule have no comma and no quote, so that a line is its split. */
const FORBIDDEN = /["'\s]/;

/** How many fields follow the kind of a line. */
const FIELDS: Readonly<Record<string, { count: number; form: string }>> = {
  p: { count: 3, form: "p, subject, log, action" },
  g: { count: 2, form: "g, subject, role" },
};

const ACTIONS: readonly string[] = ["produce", "consume", "admin", "*"];

/** Each rule as its fields, the kind ("p" or "g") first. Throws `invalid_argument`. */
export function parsePolicy(text: string): string[][] {
  return text.split("\n").flatMap((line, index) => {
    const content = line.trim();
    if (content === "" || content.startsWith("#")) return [];
    return [parseRule(content, index + 1)];
  });
}

function parseRule(content: string, lineNumber: number): string[] {
  const fields = content.split(",").map((field) => field.trim());
  const [kind = "", ...values] = fields;
  const expected = Object.hasOwn(FIELDS, kind) ? FIELDS[kind] : undefined;
  if (expected === undefined) {
    throw wrong(lineNumber, `it starts with "${kind}" and not with "p" or "g"`);
  }
  if (values.length !== expected.count) {
    throw wrong(lineNumber, `the form is "${expected.form}"`);
  }
  const bad = values.find((value) => value === "" || FORBIDDEN.test(value));
  if (bad !== undefined) {
    throw wrong(lineNumber, `"${bad}" is not a name`);
  }
  const action = values[2];
  if (action !== undefined && !ACTIONS.includes(action)) {
    throw wrong(lineNumber, `"${action}" is not one of ${ACTIONS.join(", ")}`);
  }
  return fields;
}

function wrong(lineNumber: number, reason: string): ProglogError {
  return new ProglogError(
    "invalid_argument",
    `Cannot use line ${lineNumber} of the policy as ${reason}`,
    { details: { line: lineNumber } },
  );
}

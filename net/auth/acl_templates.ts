/**
 * The ACL files that `proglog certs init` writes, as text, so that the compiled
 * executable carries them. Equal to certs/model.conf and certs/policy.csv; a
 * test compares them. Callers: pki.ts.
 */

export const MODEL_TEMPLATE =
  `# Casbin model: who (sub) may do what (act) to which log (obj).
# Actions are produce, consume and admin. In a policy "*" stands for everybody,
# every log or every action, and a log name may end in "*": "orders-*".
# A line "g, alice, writers" gives alice all that writers may do.

[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = (p.sub == "*" || g(r.sub, p.sub)) && keyMatch(r.obj, p.obj) && (p.act == "*" || r.act == p.act)
`;

export const POLICY_TEMPLATE =
  `# p, subject (common name of the client certificate), log, action
# What no line permits is denied. Agents read changes within a few seconds.
p, root, *, *
`;

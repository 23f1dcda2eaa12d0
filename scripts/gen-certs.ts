/**
 * Makes development certificates in `$CONFIG_DIR` or `~/.proglog`, or in the
 * directory given: `deno run -A scripts/gen-certs.ts [DIRECTORY]`. The same code as
 * `proglog certs init`, with its defaults.
 */
import { initSecurityFiles } from "../net/auth/pki.ts";
import { configDirectory } from "../net/auth/security_files.ts";

const directory = Deno.args[0] ?? configDirectory((name) => Deno.env.get(name));
for (const { path } of initSecurityFiles({ directory })) {
  Deno.stdout.writeSync(new TextEncoder().encode(`${path}\n`));
}

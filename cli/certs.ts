/**
 * `proglog certs`: makes, shows and issues the security files of a cluster.
 * The work is in net/auth; this is words only. Caller: main.ts.
 */
import { type Command, Option } from "commander";
import { isProglogError } from "../core/errors.ts";
import {
  type CertificateDescription,
  DAYS_LEFT_WARNING,
  describeCertificates,
} from "../net/auth/describe.ts";
import {
  VALIDITY_DAYS_DEFAULT,
  VALIDITY_DAYS_MAX,
} from "../net/auth/certificate_names.ts";
import {
  configDirectory,
  type WrittenFile,
} from "../net/auth/security_files.ts";
import { listOption, valueOption, verb } from "./options.ts";
import { printJson, printLine, printRemark } from "./output.ts";
import { parseWholeNumber } from "./units.ts";

export function certsCommand(): Command {
  return verb("certs", {
    summary: "make and show certificates, ACL files and the gossip key",
    examples: [
      "proglog certs init",
      "proglog certs show",
      "proglog certs issue alice",
    ],
  })
    .addCommand(initCommand())
    .addCommand(showCommand())
    .addCommand(issueCommand())
    .addCommand(renewCommand());
}

function initCommand(): Command {
  return verb("init", {
    summary: "make an authority, certificates, ACL files and a gossip key",
    examples: [
      "proglog certs init",
      "CONFIG_DIR=/etc/proglog proglog certs init --host log1.example.net --host 10.0.0.7",
    ],
  })
    .addOption(hostOption("besides localhost and this machine"))
    .addOption(validityOption())
    .option("--force", "replace all files that are there", false)
    .option("--json", "print JSON", false)
    .action((options, command: Command) =>
      asUsage(command, async () => {
        const { initSecurityFiles } = await loadPki();
        const files = initSecurityFiles({
          directory: directory(),
          hosts: options.host,
          validityDays: options.validityDays,
          existing: options.force ? "replace" : "refuse",
        });
        printWritten(files, options);
      })
    );
}

function showCommand(): Command {
  return verb("show", {
    summary: "show the certificates in the config directory",
    examples: ["proglog certs show", "proglog certs show --json"],
  })
    .option("--json", "print JSON", false)
    .action((options) => {
      const certificates = describeCertificates(directory(), Date.now());
      if (options.json) printJson({ directory: directory(), certificates });
      else for (const one of certificates) printLine(textOf(one));
      for (const one of certificates) warnAbout(one);
    });
}

function issueCommand(): Command {
  return verb("issue", {
    summary: "make a client certificate; NAME is the subject in policy.csv",
    examples: [
      "proglog certs issue alice",
      "proglog certs issue ci --validity-days 30",
    ],
  })
    .argument("<name>", "common name of the client")
    .addOption(validityOption())
    .option("--force", "replace the files of an earlier certificate", false)
    .option("--json", "print JSON", false)
    .action((name: string, options, command: Command) =>
      asUsage(command, async () => {
        const { issueClientCertificate } = await loadPki();
        const files = issueClientCertificate({
          directory: directory(),
          name,
          validityDays: options.validityDays,
          existing: options.force ? "replace" : "refuse",
        });
        printWritten(files, options);
      })
    );
}

function renewCommand(): Command {
  return verb("renew", {
    summary: "make all certificates anew, by the same authority",
    examples: [
      "proglog certs renew",
      "proglog certs renew --host log4.example.net",
    ],
  })
    .addOption(hostOption("besides the hosts in the certificates"))
    .addOption(validityOption())
    .option("--json", "print JSON", false)
    .action((options, command: Command) =>
      asUsage(command, async () => {
        const { renewCertificates } = await import("../net/auth/renew.ts");
        const files = renewCertificates({
          directory: directory(),
          hosts: options.host,
          validityDays: options.validityDays,
        });
        printWritten(files, options);
      })
    );
}

/** Loaded when used: it brings node-forge, which costs every start 30 ms. */
function loadPki() {
  return import("../net/auth/pki.ts");
}

function directory(): string {
  return configDirectory((name) => Deno.env.get(name));
}

function hostOption(description: string): Option {
  return listOption(
    "--host <name-or-address>",
    description,
    (text) => ({ ok: true, value: text }),
  )
    .default([], "none");
}

function validityOption(): Option {
  return valueOption(
    "--validity-days <n>",
    "days that certificates are valid",
    (text) => parseWholeNumber(text, { min: 1, max: VALIDITY_DAYS_MAX }),
  ).default(VALIDITY_DAYS_DEFAULT);
}

/** Here an invalid argument can only be one of the command line. */
async function asUsage(
  command: Command,
  run: () => Promise<void>,
): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (isProglogError(error, "invalid_argument")) command.error(error.message);
    throw error;
  }
}

function printWritten(
  files: readonly WrittenFile[],
  options: { json: boolean },
): void {
  if (options.json) {
    printJson({
      files: files.map(({ path, validUntilMs }) => ({
        path,
        ...(validUntilMs === undefined
          ? {}
          : { valid_until: isoTime(validUntilMs) }),
      })),
    });
    return;
  }
  for (const { path, validUntilMs } of files) {
    const until = validUntilMs === undefined
      ? ""
      : `  valid until ${isoTime(validUntilMs)}`;
    printLine(`${path}${until}`);
  }
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
}

function textOf(one: CertificateDescription): string {
  return [
    one.file,
    `  role     ${one.role}`,
    `  subject  ${one.subject}`,
    `  issuer   ${one.issuer}`,
    ...(one.hosts.length === 0 ? [] : [`  hosts    ${one.hosts.join(", ")}`]),
    `  valid    ${one.notBefore} to ${one.notAfter} (${one.daysLeft} days left)`,
  ].join("\n");
}

function warnAbout(one: CertificateDescription): void {
  if (one.daysLeft >= DAYS_LEFT_WARNING) return;
  const when = one.daysLeft < 0
    ? "is not valid any more"
    : `ends in ${one.daysLeft} days`;
  printRemark(`warning: ${one.file} ${when}`);
}

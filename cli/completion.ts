/**
 * `proglog completion SHELL`: a completion script made from the commands
 * themselves, so that it knows every verb and option there is. Caller: main.ts.
 */
import { Argument, type Command } from "commander";
import { verb } from "./options.ts";
import { writeOut } from "./output.ts";

export function completionCommand(): Command {
  return verb("completion", {
    summary: "print a completion script for bash, zsh or fish",
    examples: [
      "source <(proglog completion bash)",
      'proglog completion zsh > "${fpath[1]}/_proglog"',
      "proglog completion fish > ~/.config/fish/completions/proglog.fish",
    ],
  })
    .addArgument(
      new Argument("<shell>", "your shell").choices(["bash", "zsh", "fish"]),
    )
    .action((shell: string, _options, command: Command) => {
      writeOut(completionScript(rootOf(command), shell as Shell));
    });
}

export type Shell = "bash" | "zsh" | "fish";

export function completionScript(program: Command, shell: Shell): string {
  const words = wordsOf(program);
  switch (shell) {
    case "bash":
      return bashScript(words);
    case "zsh":
      return `#compdef proglog\nautoload -U +X bashcompinit && bashcompinit\n${
        bashScript(words)
      }`;
    case "fish":
      return fishScript(words);
  }
}

/** What may follow a command: "" is the program, "certs init" a verb. */
interface Words {
  readonly path: string;
  readonly verbs: readonly Word[];
  readonly options: readonly Word[];
}

interface Word {
  readonly word: string;
  readonly description: string;
}

function wordsOf(command: Command, path: readonly string[] = []): Words[] {
  const verbs = command.commands.map((child) => ({
    word: child.name(),
    description: child.description(),
  }));
  const options = command.options.flatMap(({ long, description }) =>
    typeof long === "string" ? [{ word: long, description }] : []
  );
  const help = { word: "--help", description: "show help" };
  const own = { path: path.join(" "), verbs, options: [...options, help] };
  const below = command.commands.flatMap((child) =>
    wordsOf(child, [...path, child.name()])
  );
  return [own, ...below];
}

function bashScript(words: readonly Words[]): string {
  const cases = words.map(({ path, verbs, options }) => {
    const all = [...verbs, ...options].map(({ word }) => word).join(" ");
    return `    "${path}") candidates="${all}" ;;`;
  });
  const paths = words.map(({ path }) => `"${path}"`).join("|");
  return `_proglog() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" candidates="" longer word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    longer="\${path:+$path }$word"
    case "$longer" in ${paths}) path="$longer" ;; esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
  if [[ \${#COMPREPLY[@]} -eq 0 ]]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -F _proglog proglog
`;
}

function fishScript(words: readonly Words[]): string {
  return words.flatMap(({ path, verbs, options }) => {
    const seen = path.split(" ").filter((word) => word !== "")
      .map((word) => `__fish_seen_subcommand_from ${word}`);
    const when = seen.length === 0
      ? "__fish_use_subcommand"
      : seen.join("; and ");
    const head = `complete -c proglog -n '${when}'`;
    return [
      ...verbs.map((verb) =>
        `${head} -f -a ${verb.word} -d ${quoted(verb.description)}`
      ),
      ...options.map((option) =>
        `${head} -l ${option.word.slice(2)} -d ${quoted(option.description)}`
      ),
    ];
  }).join("\n") + "\n";
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

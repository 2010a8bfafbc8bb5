import { Argument, Command } from 'commander';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-code.js';
import { runCommand } from './run-command.js';

/** `fer-dcnn completion <shell>`, of the commands that `load` gives. */
export function completionCommand(load: () => Promise<readonly Command[]>): Command {
  return new Command('completion')
    .description('Print a shell script that completes commands, options and their values.')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SHELLS)))
    .addHelpText('after', HELP)
    .action(
      runCommand(async (_: AbortSignal, shell: keyof typeof SHELLS): Promise<ExitCode> => {
        process.stdout.write(SHELLS[shell]((await load()).map(described)));
        return EXIT.ok;
      }),
    );
}

const HELP = `${exitCodeHelp({ ok: 'printed', none: 'wrong usage' })}
Examples:
  fer-dcnn completion bash >> ~/.bashrc
  fer-dcnn completion zsh > "\${fpath[1]}/_fer-dcnn"
  fer-dcnn completion fish > ~/.config/fish/completions/fer-dcnn.fish`;

/** The completions after a command. */
interface Described {
  name: string;
  summary: string;
  /** Words that its first argument may be: subcommands, choices. */
  words: string[];
  options: { flag: string; about: string; takesValue: boolean; choices: readonly string[] }[];
}

function described(command: Command): Described {
  const owners = [command, ...command.commands];
  const help = { flag: '--help', about: 'display help for command', takesValue: false, choices: [] };
  const options = owners
    .flatMap((owner) => owner.options)
    .filter(({ long, hidden }) => long !== undefined && !hidden)
    .map(({ long, description, required, optional, argChoices }) => ({
      flag: String(long),
      about: description,
      takesValue: required || optional,
      choices: argChoices ?? [],
    }));
  return {
    name: command.name(),
    summary: command.summary(),
    words: [
      ...command.commands.map((each) => each.name()),
      ...command.registeredArguments.slice(0, 1).flatMap(({ argChoices }) => argChoices ?? []),
    ],
    options: [...options, help],
  };
}

const SHELLS = { bash, zsh, fish };

function bash(commands: readonly Described[]): string {
  const cases = commands.flatMap(({ name, words, options }) => [
    ...options
      .filter(({ choices }) => choices.length > 0)
      .map(({ flag, choices }) => `    '${name} ${flag}') words='${choices.join(' ')}' ;;`),
    ...(words.length > 0 ? [`    '${name} ${name}') words='${words.join(' ')}' ;;`] : []),
  ]);
  const flags = commands.map(
    ({ name, options }) => `      ${name}) words='${options.map(({ flag }) => flag).join(' ')}' ;;`,
  );
  return `# fer-dcnn completion bash
_fer_dcnn() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words=''
  if ((COMP_CWORD == 1)); then
    words='${commands.map(({ name }) => name).join(' ')} help --version --help'
  else case "\${COMP_WORDS[1]} $previous" in
${cases.join('\n')}
    *) [[ $current == -* ]] && case "\${COMP_WORDS[1]}" in
${flags.join('\n')}
    esac ;;
  esac fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _fer_dcnn fer-dcnn
`;
}

function zsh(commands: readonly Described[]): string {
  const item = (word: string, about: string) => quoted(`${word}:${about}`);
  const cases = commands.flatMap(({ name, words, options }) => [
    ...options
      .filter(({ choices }) => choices.length > 0)
      .map(({ flag, choices }) => `    '${name} ${flag}') compadd ${choices.join(' ')}; return ;;`),
    ...(words.length > 0 ? [`    '${name} ${name}') compadd ${words.join(' ')}; return ;;`] : []),
  ]);
  const flags = commands.map(
    ({ name, options }) => `      ${name}) items=(${options.map(({ flag, about }) => item(flag, about)).join(' ')}) ;;`,
  );
  return `#compdef fer-dcnn
_fer_dcnn() {
  local -a items
  if ((CURRENT == 2)); then
    items=(${commands.map(({ name, summary }) => item(name, summary)).join(' ')})
    _describe command items
    return
  fi
  case "$words[2] $words[CURRENT-1]" in
${cases.join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then
    case $words[2] in
${flags.join('\n')}
    esac
    _describe -o option items
  else
    _files
  fi
}
compdef _fer_dcnn fer-dcnn
`;
}

function fish(commands: readonly Described[]): string {
  const lines = commands.flatMap(({ name, summary, words, options }) => {
    const after = `complete -c fer-dcnn -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c fer-dcnn -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(summary)}`,
      ...(words.length > 0 ? [`${after} -f -a '${words.join(' ')}'`] : []),
      ...options.map(({ flag, about, takesValue, choices }) => {
        const value = choices.length > 0 ? ` -x -a '${choices.join(' ')}'` : takesValue ? ' -r' : '';
        return `${after} -l ${flag.slice(2)}${value} -d ${fishQuoted(about)}`;
      }),
    ];
  });
  return `# fer-dcnn completion fish\n${lines.join('\n')}\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

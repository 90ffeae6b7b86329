import { type Command, commonExitCodes, type Option } from './command.ts';
import { table } from './render.ts';

const width = 100;
const columns = [{ title: '' }, { title: '', shrinkTo: 30 }];

/** Two columns without the table's own heading. */
function list(rows: readonly (readonly string[])[]): string {
  const lines = table(rows, columns, width - 2)
    .split('\n')
    .slice(2);
  return lines.map((line) => `  ${line}`).join('\n');
}

export function helpForAll(commands: readonly Command[], about: string): string {
  const rows = commands.map((command) => [command.path.join(' '), command.summary]);
  return [
    about,
    '',
    'Usage: portcullis COMMAND [OPTIONS]',
    '',
    'Commands:',
    list(rows),
    '',
    'Options:',
    list([
      ['-h, --help', 'Show this, or the help of one command'],
      ['--version', 'Show the version and the runtime'],
    ]),
    '',
  ].join('\n');
}

export function helpForGroup(group: string, commands: readonly Command[]): string {
  const rows = commands.map((command) => [command.path.join(' '), command.summary]);
  return [`Usage: portcullis ${group} COMMAND [OPTIONS]`, '', 'Commands:', list(rows), ''].join('\n');
}

export function usage(command: Command): string {
  const required = command.options
    .filter((option) => option.required)
    .map((option) => `--${option.name} ${option.value ?? ''}`.trimEnd());
  const optional = command.options.some((option) => !option.required) ? ['[OPTIONS]'] : [];
  const behind = command.positionals === undefined ? [] : [command.positionals];
  return ['portcullis', ...command.path, ...required, ...optional, ...behind].join(' ');
}

export function helpFor(command: Command): string {
  return [
    command.summary,
    '',
    `Usage: ${usage(command)}`,
    '',
    'Options:',
    list([...command.options.map(optionRow), ['-h, --help', 'Show this']]),
    '',
    'Exit codes:',
    list(Object.entries({ ...commonExitCodes, ...command.exitCodes }).map(([code, meaning]) => [code, meaning])),
    '',
  ].join('\n');
}

function optionRow(option: Option): [string, string] {
  const names = `${option.short === undefined ? '' : `-${option.short}, `}--${option.name}`;
  const notes = [...(option.required ? ['required'] : []), ...(option.repeat ? ['may be repeated'] : [])];
  return [
    option.value === undefined ? names : `${names} ${option.value}`,
    notes.length === 0 ? option.help : `${option.help} (${notes.join(', ')})`,
  ];
}

/** The text of `docs/cli.md`. */
export function cliReference(commands: readonly Command[]): string {
  const sections = commands.map((command) => `## ${command.path.join(' ')}\n\n\`\`\`text\n${helpFor(command)}\`\`\`\n`);
  return `# The \`portcullis\` command\n\nGenerated from the commands themselves; do not edit.\n\n${sections.join('\n')}`;
}

import { nearest } from '../config/section.ts';
import { type Command, type Io, readArguments, UsageError } from './command.ts';
import { helpFor, helpForAll, helpForGroup, usage } from './help.ts';
import { painter } from './render.ts';

const about = 'portcullis: lets a request through only when its certificate, its content and your policy agree.';
const usageMistake = 2;
const cannotRun = 3;
/** EX_SOFTWARE of sysexits.h: the program itself is at fault. */
const bug = 70;

/** A mistake of the user's or of the machine's, from one of the closed catalogues. */
type CatalogueError = Error & { readonly code: string; readonly remedy: string };

/** Runs the command that the words name and returns the exit code. Never throws. */
export async function runCli(
  commands: readonly Command[],
  words: readonly string[],
  io: Io,
  version: string,
): Promise<number> {
  let command: Command | undefined;
  try {
    const answer = helpOrVersion(commands, words, version);
    if (answer !== undefined) {
      io.out(answer);
      return 0;
    }
    command = findCommand(commands, words);
    return await command.run(readArguments(command, words.slice(command.path.length)), io);
  } catch (error) {
    return report(error, command, io);
  }
}

function helpOrVersion(commands: readonly Command[], words: readonly string[], version: string): string | undefined {
  if (words[0] === '--version') return `portcullis ${version}, Node ${process.versions.node}\n`;
  const before = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  if (words[0] !== 'help' && !before.some((word) => word === '-h' || word === '--help')) return undefined;
  const named = before.filter((word, index) => !word.startsWith('-') && !(index === 0 && word === 'help'));
  if (named.length === 0) return helpForAll(commands, about);
  const exact = commands.find((command) => startsWith(named, command.path));
  if (exact !== undefined) return helpFor(exact);
  const group = commands.filter((command) => command.path[0] === named[0]);
  if (group.length === 0 || named.length > 1) throw unknownCommand(commands, named);
  return helpForGroup(named[0] ?? '', group);
}

function findCommand(commands: readonly Command[], words: readonly string[]): Command {
  const found = commands.find((command) => startsWith(words, command.path));
  if (found !== undefined) return found;
  const [first = ''] = words;
  if (first.startsWith('-')) throw new UsageError(`the command comes first, and then its options: '${first}' is none`);
  const named = words.filter((word) => !word.startsWith('-'));
  if (named.length === 0) throw new UsageError(`which command? ${commandNames(commands)}`);
  throw unknownCommand(commands, named);
}

function unknownCommand(commands: readonly Command[], named: readonly string[]): UsageError {
  const group = commands.filter((command) => command.path.length > 1 && command.path[0] === named[0]);
  if (group.length > 0 && named.length === 1) {
    return new UsageError(`which '${named[0]}' command? ${group.map((each) => each.path.join(' ')).join(', ')}`);
  }
  const candidates = group.length > 0 ? group : commands;
  const said = named.slice(0, Math.max(...candidates.map((command) => command.path.length))).join(' ');
  const close =
    nearest(
      said,
      candidates.map((command) => command.path.join(' ')),
    ) ??
    (group.length > 0
      ? undefined
      : nearest(
          named[0] ?? '',
          candidates.map((command) => command.path[0] ?? ''),
        ));
  const advice = close === undefined ? `there are ${commandNames(candidates)}` : `did you mean '${close}'?`;
  return new UsageError(`unknown command '${said}'; ${advice}`);
}

/** Says it on standard error, and returns the exit code. */
export function report(error: unknown, command: Command | undefined, io: Io): number {
  const red = (text: string) => painter(io.errorColor ?? false)('red', text);
  if (error instanceof UsageError) {
    const help = ['portcullis', ...(command?.path ?? []), '--help'].join(' ');
    io.err(`${red('error[usage]')}: ${error.message}\n`);
    io.err(command === undefined ? `  See: ${help}\n` : `  Usage: ${usage(command)}\n  See: ${help}\n`);
    return usageMistake;
  }
  if (isCatalogueError(error)) {
    io.err(`${red(`error[${error.code}]`)}: ${error.message}\n  ${error.remedy.replaceAll('\n', '\n  ')}\n`);
    return cannotRun;
  }
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  io.err(`${red('bug')}: ${what}\n`);
  io.err('  This is a mistake in portcullis, not yours. Please report it with the command and this message.\n');
  if (io.env['PORTCULLIS_DEBUG'] !== '1') io.err('  PORTCULLIS_DEBUG=1 adds the stack trace.\n');
  else if (error instanceof Error) io.err(`${error.stack ?? ''}\n`);
  return bug;
}

function isCatalogueError(error: unknown): error is CatalogueError {
  return error instanceof Error && 'remedy' in error && typeof error.remedy === 'string' && 'code' in error;
}

/** Groups by their name alone, unless all are of one. */
function commandNames(commands: readonly Command[]): string {
  const groups = new Set(commands.map((command) => command.path[0] ?? ''));
  return [...(groups.size > 1 ? groups : commands.map((command) => command.path.join(' ')))].join(', ');
}

function startsWith(words: readonly string[], path: readonly string[]): boolean {
  return path.every((word, index) => words[index] === word);
}

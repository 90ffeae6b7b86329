import { parseArgs } from 'node:util';

/** What a command may touch of the outside world; `main.ts` makes the real one, tests make their own. */
export type Io = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** True when standard output is a terminal that wants colour. */
  readonly color: boolean;
  /** The same of standard error, which often goes elsewhere; no colour without it. */
  readonly errorColor?: boolean;
  /** Calls back on SIGINT and SIGTERM; returns how to stop listening. */
  readonly onSignal: (listener: (signal: NodeJS.Signals) => void) => () => void;
  /** Calls back on SIGHUP instead of ending the process; the end of its terminal is SIGTERM. */
  readonly onHangup?: (listener: () => void) => void;
};

export type Option = {
  readonly name: string;
  readonly short?: string;
  /** Placeholder of its value, such as `FILE`; without one the option is a switch. */
  readonly value?: string;
  readonly required?: boolean;
  readonly repeat?: boolean;
  readonly help: string;
};

export type Arguments = {
  readonly switches: ReadonlySet<string>;
  /** Every value given for an option, in order. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
};

export type Command = {
  /** For example `['ca', 'init']`. */
  readonly path: readonly string[];
  readonly summary: string;
  /** Usage of what stands behind the options, such as `[PATH...]`; without it positionals are refused. */
  readonly positionals?: string;
  readonly options: readonly Option[];
  /** Its own; `commonExitCodes` are those of every command. */
  readonly exitCodes: Readonly<Record<number, string>>;
  readonly run: (args: Arguments, io: Io) => Promise<number>;
};

/** Exit codes that every command can end with; one that means more by a code says so itself. */
export const commonExitCodes = {
  2: 'a mistake in the words of the call',
  3: 'it cannot run; the message says why and what to do',
  // EX_SOFTWARE of sysexits.h: the program itself is at fault.
  70: 'a bug in portcullis; please report it',
} as const;

/** A mistake in the words of a call; printed with the usage, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads the words behind the command's own name. Throws UsageError. */
export function readArguments(command: Command, words: readonly string[]): Arguments {
  const { values, ...parsed } = parse(command, words);
  const positionals: readonly string[] = parsed.positionals;
  const switches = new Set<string>();
  const given = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(values)) {
    if (value === true) switches.add(name);
    else if (Array.isArray(value)) given.set(name, value.map(String));
  }
  for (const option of command.options) {
    if (option.required && !given.has(option.name)) throw new UsageError(`--${option.name} is required`);
    // A variable of a script that is not set: an empty path would be the current folder.
    if (given.get(option.name)?.includes('')) throw new UsageError(`--${option.name} is empty`);
    if (!option.repeat && (given.get(option.name)?.length ?? 0) > 1) {
      throw new UsageError(`--${option.name} may be given once only`);
    }
  }
  if (positionals.includes('')) throw new UsageError('an argument is empty');
  return { switches, values: given, positionals };
}

function parse(command: Command, words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: command.positionals !== undefined,
      options: Object.fromEntries(
        command.options.map((option) => [
          option.name,
          {
            type: option.value === undefined ? ('boolean' as const) : ('string' as const),
            multiple: option.value !== undefined,
            ...(option.short === undefined ? {} : { short: option.short }),
          },
        ]),
      ),
    });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? (cause.message.split('. ')[0] ?? cause.message) : String(cause));
  }
}

/** The single value of an option, or undefined when it was not given. */
export function valueOf(args: Arguments, name: string): string | undefined {
  return args.values.get(name)?.[0];
}

/** The single value of an option that `readArguments` has found to be there. */
export function requiredValue(args: Arguments, name: string): string {
  const value = valueOf(args, name);
  if (value === undefined) throw new UsageError(`--${name} is required`);
  return value;
}

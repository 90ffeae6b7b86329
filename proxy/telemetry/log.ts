/** The operator's log: one line per event on standard error. Evidence is the audit's work, not this one's. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type LogValue = string | number | boolean | undefined | readonly string[] | Error;
export type LogFields = Readonly<Record<string, LogValue>>;

export type Log = Readonly<Record<LogLevel, (event: string, fields?: LogFields) => void>>;

export type LogOptions = {
  /** Receives whole lines. */
  readonly write: (line: string) => void;
  readonly now: () => number;
  /** `text` for a person at a terminal, `json` for everything else. */
  readonly format: 'json' | 'text';
  readonly level?: LogLevel;
};

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A message is a sentence; anything longer is somebody's payload. */
const MAX_VALUE_CHARS = 2048;

export function createLog({ write, now, format, level = 'info' }: LogOptions): Log {
  const line = format === 'json' ? jsonLine : textLine;
  const at = (own: LogLevel) => {
    if (LEVELS.indexOf(own) < LEVELS.indexOf(level)) return () => {};
    return (event: string, fields: LogFields = {}) => {
      write(`${line(new Date(now()).toISOString(), own, event, cleaned(fields))}\n`);
    };
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

type Cleaned = readonly (readonly [string, string | number | boolean | readonly string[]])[];

function jsonLine(ts: string, level: LogLevel, event: string, fields: Cleaned): string {
  return quoted(Object.fromEntries([['ts', ts], ['level', level], ['event', event], ...fields]));
}

function textLine(ts: string, level: LogLevel, event: string, fields: Cleaned): string {
  const shown = fields.map(
    ([name, value]) => `${bare(name)}=${typeof value === 'string' ? bare(value) : quoted(value)}`,
  );
  return [ts, level.toUpperCase().padEnd(5), bare(event), ...shown].join(' ');
}

function bare(text: string): string {
  return /^[\w./:@+-]+$/.test(text) ? text : quoted(text);
}

/**
 * JSON leaves some characters alone that end a line or steer a terminal: DEL and C1 controls (U+009B is CSI), line and
 * paragraph separators, direction overrides (CVE-2021-42574), byte order marks. Escaped, they are still the same JSON.
 */
const STEERING = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function quoted(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    STEERING,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const RESERVED: ReadonlySet<string> = new Set(['ts', 'level', 'event']);

function cleaned(fields: LogFields): Cleaned {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined) return [];
    // A field must not pose as the time, the level or the event.
    const own = RESERVED.has(name) ? `_${name}` : name;
    return [[own, SECRET_NAME.test(name) ? '[redacted]' : cleanedValue(value)] as const];
  });
}

function cleanedValue(value: Exclude<LogValue, undefined>): string | number | boolean | readonly string[] {
  if (typeof value === 'string') return withoutSecrets(value);
  if (value instanceof Error) return withoutSecrets(errorText(value));
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return value.map(withoutSecrets);
}

/** The stack is for bugs; a mistake that an operator can correct says so by its remedy and needs none. */
function errorText(error: Error): string {
  const own = 'remedy' in error ? error.message : (error.stack ?? String(error));
  return error.cause instanceof Error ? `${own} (caused by ${errorText(error.cause)})` : own;
}

/** A second net only: nothing that holds a credential should be handed to a log at all. */
const SECRET_NAME = /authorization|cookie|passphrase|password|secret|token|private_?key|api_?key/i;

const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, '[redacted key]'],
  [/\b(Bearer|Basic|DPoP)\s+[\w.~+/=-]+/gi, '$1 [redacted]'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[redacted token]'],
  [/(:\/\/)[^\s/@]+@/g, '$1[redacted]@'],
];

function withoutSecrets(text: string): string {
  const cut = text.length > MAX_VALUE_CHARS ? `${text.slice(0, MAX_VALUE_CHARS)}[cut]` : text;
  return SECRETS.reduce((clean, [pattern, instead]) => clean.replaceAll(pattern, instead), cut);
}

import type { Value } from '../../value/value.ts';
import type { Constants } from './constants.ts';
import type { Local, Operand, Place, Plan, Statement } from './ir.ts';
import { literal } from './literal.ts';

/** A place that a statement can leave for. */
type Level = {
  readonly label: string;
  readonly jump: 'break' | 'continue';
  /** What must be put back when the level is left from inside. */
  readonly onLeave: string;
  used: boolean;
};

/** What one module is written with: the values that its source refers to instead of containing them. */
export type ModuleWriter = {
  readonly plan: Plan;
  /** Values of the policy, and whatever else the source refers to. */
  readonly constants: unknown[];
  /** Whether scans of data use an index where they can. */
  readonly indexed: boolean;
  /** The lines of Rego that the module reports, when it is made to explain itself. */
  readonly trace: Trace | undefined;
  readonly builtinNames: string[];
  readonly builtinIndex: Map<string, number>;
};

/** Lines by number, and their numbers by rule, file and row. */
export type Trace = { readonly lines: TracedLine[]; readonly numbers: Map<string, number> };
export type TracedLine = { readonly rule: string; readonly file: string; readonly row: number };

/** What one function is written with. Its lines are JavaScript in which no text of the policy is an identifier. */
export type FunctionWriter = {
  /** The function's name in the plan. */
  readonly rule: string;
  readonly module: ModuleWriter;
  readonly found: Constants;
  readonly live: ReadonlySet<Local>;
  /** Locals that only ever hold plain objects while they are filled. */
  readonly plain: ReadonlySet<Local>;
  /** What stands before a statement. */
  readonly probes: Map<Statement, string>;
  readonly levels: Level[];
  readonly lines: string[];
  readonly locals: Set<Local>;
  /** How a value is returned: a function that is remembered stores it first. */
  readonly returning: (value: string) => string;
  names: number;
};

export function variable(writer: FunctionWriter, local: Local): string {
  writer.locals.add(local);
  return `l${local}`;
}

export function operand(writer: FunctionWriter, { ...source }: Operand): string {
  if (source.kind === 'local') return variable(writer, source.local);
  return source.kind === 'string' ? literal(source.text) : String(source.value);
}

/** A number is written out; any other value is one of the module's constants. */
export function constant(module: ModuleWriter, value: Value): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return `(${value})`;
  if (typeof value === 'bigint') return `(${value}n)`;
  if (typeof value === 'string') return literal(value);
  return reference(module, value);
}

export function reference({ constants }: ModuleWriter, thing: unknown): string {
  return `k${constants.push(thing) - 1}`;
}

export function fresh(writer: FunctionWriter, prefix: string): string {
  return `${prefix}${writer.names++}`;
}

/** Leaves `depth` levels besides the innermost one. */
export function leave(writer: FunctionWriter, depth: number): string {
  const index = writer.levels.length - 1 - depth;
  const target = writer.levels[index] as Level;
  target.used = true;
  const undo = writer.levels.slice(index + 1).map(({ onLeave }) => onLeave);
  return `${undo.reverse().join('')}${target.jump} ${target.label};`;
}

/** Leaves the innermost level because a statement is undefined. */
export function fail(writer: FunctionWriter, place: Place, depth = 0): string {
  const line = traced(writer, place);
  return `${line === undefined ? '' : `failedAt(${line}); `}${leave(writer, depth)}`;
}

/** The number of a line in the trace. */
export function traced({ module: { trace }, rule }: FunctionWriter, { file, row }: Place): number | undefined {
  if (trace === undefined || row === 0) return undefined;
  const name = JSON.stringify([rule, file, row]);
  const number = trace.numbers.get(name) ?? trace.lines.push({ rule, file, row }) - 1;
  trace.numbers.set(name, number);
  return number;
}

/** Writes `body` between the lines that `wrap` makes of its label, which is empty when nothing breaks to it. */
export function nested(
  writer: FunctionWriter,
  jump: Level['jump'],
  body: () => void,
  open: (label: string) => string,
  onLeave = '',
): void {
  const level: Level = { label: fresh(writer, 'B'), jump, onLeave, used: false };
  const start = writer.lines.length;
  writer.levels.push(level);
  body();
  writer.levels.pop();
  writer.lines.splice(start, 0, open(level.used ? `${level.label}: ` : ''));
  writer.lines.push('}');
}

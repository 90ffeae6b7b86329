import { RegoDecimal, type Value } from '../../value/value.ts';
import type { Builtin, BuiltinContext, Builtins } from '../builtin.ts';
import { array, text } from '../operands.ts';
import { type Argument, bare, type Directive, formatted, goType, plainText } from './verbs.ts';
import { termText } from './term-text.ts';

/** Go's own bound on a width or precision that is an operand; written out, one may have a digit more. */
const maxWidth = 1_000_000;

/** Go's `fmt.Sprintf`, whose mistakes show in the text and fail nothing: https://pkg.go.dev/fmt */
const sprintf: Builtin = (context, format, values) =>
  new Printer(context, text(format, 1), array(values, 2).map(argumentOf)).print();

function argumentOf(value: Value): Argument {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  return value instanceof RegoDecimal ? decimalArgument(value) : termText(value);
}

/** As OPA: by its text, a number is an integer or a double; what is too large for one is handed over as text. */
function decimalArgument(value: RegoDecimal): Argument {
  const text = String(value);
  if (/^-?\d+$/.test(text)) return BigInt(text);
  return Number.isFinite(Number(text)) ? value : text;
}

/** A double takes as long as much text: all of its digits are counted where it is rounded. */
function unitsOf(argument: Argument): number {
  if (typeof argument === 'string') return argument.length;
  return Number.isInteger(argument) ? 0 : 2048;
}

const flags: Readonly<Record<string, 'minus' | 'plus' | 'sharp' | 'space' | 'zero'>> = {
  '-': 'minus',
  '+': 'plus',
  '#': 'sharp',
  ' ': 'space',
  '0': 'zero',
};

const digits = /\d*/y;

class Printer {
  readonly #context: BuiltinContext;
  readonly #format: string;
  readonly #arguments: readonly Argument[];
  #at = 0;
  #next = 0;
  #reordered = false;
  /** False once there is no `]` in the rest: looked for again behind each of many `[`, it would take quadratic time. */
  #closes = true;
  /** False once a directive has named an operand that does not exist, or named one in the wrong place. */
  #goodIndex = true;

  constructor(context: BuiltinContext, format: string, values: readonly Argument[]) {
    this.#context = context;
    this.#format = format;
    this.#arguments = values;
  }

  print(): string {
    let made = '';
    for (;;) {
      const percent = this.#format.indexOf('%', this.#at);
      if (percent === -1) return made + this.#format.slice(this.#at) + this.#extra();
      made += this.#format.slice(this.#at, percent);
      this.#at = percent + 1;
      made += this.#directive();
    }
  }

  #directive(): string {
    const directive: Directive = { ...bare };
    this.#goodIndex = true;
    this.#flags(directive);
    let afterIndex = this.#index();
    let complaint = '';
    if (this.#skip('*')) {
      complaint += this.#starWidth(directive);
      afterIndex = false;
    } else {
      directive.width = this.#number();
      if (afterIndex && directive.width !== undefined) this.#goodIndex = false;
    }
    // A point that ends the format is no precision but a verb.
    if (this.#at + 1 < this.#format.length && this.#skip('.')) {
      if (afterIndex) this.#goodIndex = false;
      afterIndex = this.#index();
      if (this.#skip('*')) {
        complaint += this.#starPrecision(directive);
        afterIndex = false;
      } else directive.precision = this.#number() ?? 0;
    }
    if (!afterIndex) this.#index();
    return complaint + this.#verb(directive);
  }

  #verb(directive: Directive): string {
    if (this.#at >= this.#format.length) return '%!(NOVERB)';
    const verb = String.fromCodePoint(this.#format.codePointAt(this.#at) as number);
    this.#at += verb.length;
    if (verb === '%') return '%';
    if (!this.#goodIndex) return `%!${verb}(BADINDEX)`;
    const argument = this.#arguments[this.#next];
    if (argument === undefined) return `%!${verb}(MISSING)`;
    this.#next++;
    const { width = 0, precision = 0 } = directive;
    this.#context.charge(16 + ((width + precision + unitsOf(argument)) >>> 6));
    return formatted(verb, directive, argument);
  }

  #flags(directive: Directive): void {
    for (;;) {
      const flag = flags[this.#format[this.#at] ?? ''];
      if (flag === undefined) return;
      directive[flag] = true;
      this.#at++;
    }
  }

  /** `[3]`: the operand to take next. */
  #index(): boolean {
    if (this.#format[this.#at] !== '[') return false;
    this.#reordered = true;
    const close = this.#closes ? this.#format.indexOf(']', this.#at) : -1;
    this.#closes = close !== -1;
    const named = this.#format.slice(this.#at + 1, Math.max(close, this.#at + 1));
    this.#at = Math.max(close, this.#at) + 1;
    const wanted = /^\d{1,8}$/.test(named) ? Number(named) : undefined;
    if (wanted !== undefined && wanted >= 1 && wanted <= this.#arguments.length) this.#next = wanted - 1;
    else this.#goodIndex = false;
    return wanted !== undefined;
  }

  #starWidth(directive: Directive): string {
    const width = this.#star();
    if (width === undefined) return '%!(BADWIDTH)';
    directive.width = Math.abs(width);
    if (width < 0) directive.minus = true;
    return '';
  }

  #starPrecision(directive: Directive): string {
    const precision = this.#star();
    if (precision === undefined || precision < 0) return '%!(BADPREC)';
    directive.precision = precision;
    return '';
  }

  /** A width or precision that is an operand. */
  #star(): number | undefined {
    const value = this.#arguments[this.#next];
    if (value !== undefined) this.#next++;
    return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= maxWidth ? value : undefined;
  }

  #number(): number | undefined {
    digits.lastIndex = this.#at;
    const [found = ''] = digits.exec(this.#format) ?? [];
    if (found === '') return undefined;
    this.#at += found.length;
    if (Number(found.slice(0, -1)) <= maxWidth) return Number(found);
    // Go gives up on the rest of the format.
    this.#at = this.#format.length;
    return undefined;
  }

  #skip(char: string): boolean {
    if (this.#format[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /** Operands that no directive has taken; after an index, Go does not look. */
  #extra(): string {
    if (this.#reordered || this.#next >= this.#arguments.length) return '';
    const rest = this.#arguments.slice(this.#next).map((value) => `${goType(value)}=${plainText(bare, value)}`);
    return `%!(EXTRA ${rest.join(', ')})`;
  }
}

export const sprintfBuiltins: Builtins = { sprintf };

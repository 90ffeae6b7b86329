import { BuiltinError } from '../builtin.ts';

const isDigit = (character: string | undefined): boolean =>
  character !== undefined && character >= '0' && character <= '9';

/** Reads the text of a time from the left, by the rules of Go's `time.Parse`. Every method may throw BuiltinError. */
export class TimeText {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  fail(reason = 'cannot be read by the layout'): never {
    throw new BuiltinError(`parsing time ${JSON.stringify(this.#text.slice(0, 100))}: ${reason}`);
  }

  end(): void {
    if (this.#at !== this.#text.length) this.fail('extra text');
  }

  startsWith(prefix: string): boolean {
    return this.#text.startsWith(prefix, this.#at);
  }

  /** So many characters without taking them. */
  peek(length: number): string {
    return this.#text.slice(this.#at, this.#at + length);
  }

  take(length: number): string {
    const taken = this.peek(length);
    if (taken.length < length) this.fail();
    this.#at += length;
    return taken;
  }

  /** Literal text of the layout; a run of spaces stands for any run of them, also for none at the end. */
  skip(literal: string): void {
    let at = 0;
    while (at < literal.length) {
      if (literal[at] === ' ') {
        if (this.#at < this.#text.length && this.#text[this.#at] !== ' ') this.fail();
        while (literal[at] === ' ') at++;
        while (this.#text[this.#at] === ' ') this.#at++;
      } else if (this.take(1) === literal[at]) at++;
      else this.fail();
    }
  }

  optionalSpace(): void {
    if (this.#text[this.#at] === ' ') this.#at++;
  }

  /** One digit, or two; exactly two when `fixed`. */
  number(fixed: boolean, min: number, max: number): number {
    if (!isDigit(this.#text[this.#at])) return this.fail();
    const two = isDigit(this.#text[this.#at + 1]);
    if (fixed && !two) return this.fail();
    const value = Number(this.take(two ? 2 : 1));
    return value < min || value > max ? this.fail('out of range') : value;
  }

  /** Up to three digits. */
  yearDay(fixed: boolean): number {
    let length = 0;
    while (length < 3 && isDigit(this.#text[this.#at + length])) length++;
    if (length === 0 || (fixed && length !== 3)) return this.fail();
    return Number(this.take(length));
  }

  digits(length: number): number {
    const taken = this.take(length);
    return Array.from(taken).every(isDigit) ? Number(taken) : this.fail();
  }

  /** As Go's `atoi`: the first character may be a sign. */
  signed(length: number): number {
    const taken = this.take(length);
    const digits = /^[+-]/.test(taken) ? taken.slice(1) : taken;
    if (!Array.from(digits).every(isDigit)) return this.fail();
    return taken.startsWith('-') ? -Number(digits) : Number(digits);
  }

  /** The index of the name that the text goes on with, in any case. */
  name(names: readonly string[]): number {
    const found = names.findIndex((name) => this.peek(name.length).toLowerCase() === name.toLowerCase());
    if (found < 0) return this.fail();
    this.#at += (names[found] as string).length;
    return found;
  }

  /** Nanoseconds in `.123`, undefined when there is no fraction. */
  fraction(): number | undefined {
    if (!/^[.,][0-9]$/.test(this.peek(2))) return undefined;
    let length = 2;
    while (isDigit(this.#text[this.#at + length])) length++;
    return this.exactFraction(length);
  }

  /** A separator and digits, so many characters together; what is less than a nanosecond is left out. */
  exactFraction(length: number): number {
    const separator = this.peek(1);
    if (separator !== '.' && separator !== ',') return this.fail();
    this.take(1);
    const kept = Math.min(length - 1, 9);
    const value = this.signed(kept) * 10 ** (9 - kept);
    this.take(length - 1 - kept);
    return value < 0 ? this.fail('out of range') : value;
  }
}

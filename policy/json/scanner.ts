import { survivesAsDouble } from './number.ts';
import { childPointer, shortPointer } from './pointer.ts';
import type { JsonProblemCode } from './problem.ts';

type Found = {
  readonly code: JsonProblemCode;
  /** UTF-16 index. */
  readonly index: number;
  readonly pointer: string;
  readonly detail: string;
};

/** An open array or object: `names` is undefined in an array, `last` the member or index being read, if one is. */
type Frame = { readonly names: MemberNames | undefined; last: string | number | undefined };

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** The names seen in one object. A list is faster than a set for the few members that most objects have. */
class MemberNames {
  readonly #few: string[] = [];
  #many: Set<string> | undefined;

  /** False when the name is there already. */
  add(name: string): boolean {
    if (this.#many === undefined) {
      if (this.#few.includes(name)) return false;
      if (this.#few.push(name) > 8) this.#many = new Set(this.#few);
      return true;
    }
    if (this.#many.has(name)) return false;
    this.#many.add(name);
    return true;
  }
}

/**
 * One pass over the text of a JSON document, with a stack of its own, so that depth costs no call frames (20,000 open
 * brackets end recursive readers with a RangeError). One object per document.
 */
export class JsonScanner {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #frames: Frame[] = [];
  #at = 0;
  #found: Found | undefined;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  scan(): Found | undefined {
    let more = this.#value();
    while (more && this.#frames.length > 0) more = this.#afterValue();
    if (more && !Number.isNaN(this.#next())) this.#fail('syntax', 'text follows the end of the value');
    return this.#found;
  }

  /** Reads a scalar, or opens an array or object and reads up to its first value. */
  #value(): boolean {
    for (;;) {
      const c = this.#next();
      if (c === openBrace) {
        if (!this.#open(new MemberNames())) return false;
        if (this.#next() === closeBrace) return this.#close();
        if (!this.#member()) return false;
      } else if (c === openBracket) {
        if (!this.#open(undefined)) return false;
        if (this.#next() === closeBracket) return this.#close();
      } else if (c === quote) return this.#string();
      else if (c === minus || (c >= 0x30 && c <= 0x39)) return this.#number();
      else return this.#literal(c);
    }
  }

  /** Between two values of the innermost array or object: a comma and the next value, or its end. */
  #afterValue(): boolean {
    const frame = this.#frames.at(-1) as Frame;
    const c = this.#next();
    if (frame.names === undefined) {
      if (c === closeBracket) return this.#close();
      if (c !== comma) return this.#fail('syntax', 'a comma or ] is missing');
      this.#at++;
      frame.last = (frame.last as number) + 1;
      return this.#value();
    }
    if (c === closeBrace) return this.#close();
    if (c !== comma) return this.#fail('syntax', 'a comma or } is missing');
    this.#at++;
    frame.last = undefined;
    return this.#member() && this.#value();
  }

  #open(names: MemberNames | undefined): boolean {
    if (this.#frames.length >= this.#maxDepth) return this.#fail('too-deep', `more than ${this.#maxDepth} levels`);
    this.#frames.push({ names, last: names === undefined ? 0 : undefined });
    this.#at++;
    return true;
  }

  #close(): boolean {
    this.#frames.pop();
    this.#at++;
    return true;
  }

  /** A member's name and the colon behind it. */
  #member(): boolean {
    const frame = this.#frames.at(-1) as Frame;
    if (this.#next() !== quote) return this.#fail('syntax', 'a member name is missing');
    const start = this.#at;
    if (!this.#string()) return false;
    const key = this.#stringAt(start);
    if (frame.names?.add(key) === false) return this.#failAt(start, 'duplicate-key', 'a member occurs twice', key);
    // An own property after JSON.parse, but `copy[key] = value` anywhere later would replace the copy's prototype, and
    // ajv leaves a schema for it out.
    if (key === '__proto__') return this.#failAt(start, 'forbidden-key', 'a member is named __proto__', key);
    frame.last = key;
    if (this.#next() !== colon) return this.#fail('syntax', 'a colon is missing');
    this.#at++;
    return true;
  }

  /** The string that begins at `start` and ends before the current place: names are compared after unescaping. */
  #stringAt(start: number): string {
    const raw = this.#text.slice(start + 1, this.#at - 1);
    return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
  }

  #string(): boolean {
    const text = this.#text;
    let i = this.#at + 1;
    for (;;) {
      const c = text.charCodeAt(i);
      if (c === quote) {
        this.#at = i + 1;
        return true;
      }
      if (c === backslash) {
        const length = this.#escape(i);
        if (length === 0) return false;
        i += length;
      } else if (c >= 0x20) i++;
      else {
        this.#at = i;
        return this.#fail('syntax', i < text.length ? 'a control character is not escaped' : 'a string has no end');
      }
    }
  }

  /** Length of the escape at `i`, a surrogate pair counting as one; 0 after reporting that it is none. */
  #escape(i: number): number {
    const kind = this.#text[i + 1] ?? '';
    if (kind !== 'u') {
      if (kind !== '' && '"\\/bfnrt'.includes(kind)) return 2;
      this.#failAt(i, 'syntax', 'an escape is not one of JSON');
      return 0;
    }
    const unit = this.#hex(i + 2);
    if (unit === -1) this.#failAt(i, 'syntax', 'a \\u escape needs four hexadecimal digits');
    else if (unit < 0xd800 || unit > 0xdfff) return 6;
    else if (unit < 0xdc00 && this.#text.startsWith('\\u', i + 6) && this.#hex(i + 8) >> 10 === 0xdc00 >> 10) return 12;
    else this.#failAt(i, 'lone-surrogate', 'a \\u escape is half of a surrogate pair');
    return 0;
  }

  #hex(i: number): number {
    const digits = this.#text.slice(i, i + 4);
    return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
  }

  #number(): boolean {
    // Most numbers are short integers, which need no closer look.
    let end = this.#at + 1;
    let c = this.#text.charCodeAt(end);
    while (c >= 0x30 && c <= 0x39) c = this.#text.charCodeAt(++end);
    const first = this.#text.charCodeAt(this.#at);
    if (first > 0x30 && end - this.#at <= 15 && c !== 0x2e && c !== 0x65 && c !== 0x45) {
      this.#at = end;
      return true;
    }
    numberPattern.lastIndex = this.#at;
    const literal = numberPattern.exec(this.#text)?.[0];
    if (literal === undefined) return this.#fail('syntax', 'a number has no digits');
    if (!survivesAsDouble(literal)) return this.#fail('unsafe-number', 'a number does not fit a double');
    this.#at += literal.length;
    return true;
  }

  #literal(first: number): boolean {
    const word = first === 0x74 ? 'true' : first === 0x66 ? 'false' : 'null';
    if (!this.#text.startsWith(word, this.#at)) {
      return this.#fail('syntax', this.#at < this.#text.length ? 'a value is missing' : 'the text ends too early');
    }
    this.#at += word.length;
    return true;
  }

  /** Skips white space (RFC 8259 section 2, nothing more) and returns the next code unit, NaN at the end. */
  #next(): number {
    const text = this.#text;
    let c = text.charCodeAt(this.#at);
    while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = text.charCodeAt(++this.#at);
    return c;
  }

  #fail(code: JsonProblemCode, detail: string): false {
    return this.#failAt(this.#at, code, detail);
  }

  #failAt(index: number, code: JsonProblemCode, detail: string, key?: string): false {
    let pointer = '';
    for (const { last } of this.#frames) if (last !== undefined) pointer = childPointer(pointer, last);
    if (key !== undefined) pointer = childPointer(pointer, key);
    this.#found = { code, index, pointer: shortPointer(pointer), detail };
    return false;
  }
}

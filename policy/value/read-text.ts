import { numberOf } from './number.ts';
import { insert } from './object.ts';
import { setOf } from './set.ts';
import { type NumberValue, type ObjectValue, RegoSet, type Value } from './value.ts';

/** Text that is not in the notation. */
export class ValueTextError extends Error {
  override readonly name = 'ValueTextError';
}

/** Rego's literals too, which OPA gives as they were written: `.5`. */
const number = /-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;

const space = '\t\n\r ';

const words = [
  ['null', () => null],
  ['true', () => true],
  ['false', () => false],
  ['set()', () => new RegoSet()],
] as const;

/** Reads the notation of `valueText`, which is JSON and more. Throws ValueTextError. */
export function readValue(text: string): Value {
  const reader = new Reader(text);
  const value = reader.value();
  reader.end();
  return value;
}

/** On the way of every result and every operand of a built-in between the engines: plain loops, twice as fast as patterns. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): Value {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === '"') return this.#string();
    if (first === '[') return this.#array();
    if (first === '{') return this.#braces();
    const word = words.find(([name]) => this.#text.startsWith(name, this.#at));
    if (word === undefined) return this.#number();
    this.#at += word[0].length;
    return word[1]();
  }

  end(): void {
    this.#skipSpace();
    if (this.#at !== this.#text.length) this.#fail();
  }

  #string(): string {
    const start = this.#at;
    let escaped = false;
    for (this.#at++; this.#text[this.#at] !== '"'; this.#at++) {
      if (this.#at >= this.#text.length) this.#fail();
      if (this.#text[this.#at] !== '\\') continue;
      escaped = true;
      this.#at++;
    }
    this.#at++;
    if (!escaped) return this.#text.slice(start + 1, this.#at - 1);
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      return this.#fail();
    }
  }

  #number(): NumberValue {
    number.lastIndex = this.#at;
    const [literal] = number.exec(this.#text) ?? this.#fail();
    this.#at += literal.length;
    return numberOf(literal) ?? this.#fail();
  }

  #array(): readonly Value[] {
    const items: Value[] = [];
    this.#list(']', () => items.push(this.value()));
    return items;
  }

  /** An object or a set: what follows the first value tells. */
  #braces(): ObjectValue | RegoSet {
    let object: ObjectValue = {};
    const members: Value[] = [];
    this.#list('}', () => {
      const key = this.value();
      if (this.#skip(':')) object = insert(object, key, this.value());
      else members.push(key);
    });
    return members.length === 0 ? object : setOf(members);
  }

  #list(close: string, item: () => void): void {
    this.#at++;
    if (this.#skip(close)) return;
    do item();
    while (this.#skip(','));
    if (!this.#skip(close)) this.#fail();
  }

  #skip(char: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    while (space.includes(this.#text[this.#at] ?? '-')) this.#at++;
  }

  #fail(): never {
    throw new ValueTextError(`not a value at character ${this.#at}`);
  }
}

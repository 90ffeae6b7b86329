import { numberOf } from './number.ts';
import { insert } from './object.ts';
import { setOf } from './set.ts';
import type { NumberValue, ObjectValue, RegoSet, Value } from './value.ts';

/** Text that is not in the notation. */
export class ValueTextError extends Error {
  override readonly name = 'ValueTextError';
}

/** Rego's literals too, which OPA gives as they were written: `.5`. */
const number = /-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;

// Code units.
const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const leftBracket = 0x5b;
const rightBracket = 0x5d;
const leftBrace = 0x7b;
const rightBrace = 0x7d;

/** Reads the notation of `valueText`, which is JSON and more. Throws ValueTextError. */
export function readValue(text: string, makeSet: (members: Value[]) => RegoSet = setOf): Value {
  const reader = new Reader(text, makeSet);
  const value = reader.value();
  reader.end();
  return value;
}

/** On the way of every result and every operand of a built-in between the engines: by code unit, as fast as JavaScript can. */
class Reader {
  readonly #text: string;
  readonly #hasEscapes: boolean;
  readonly #makeSet: (members: Value[]) => RegoSet;
  #at = 0;

  constructor(text: string, makeSet: (members: Value[]) => RegoSet) {
    this.#text = text;
    this.#hasEscapes = text.includes('\\');
    this.#makeSet = makeSet;
  }

  value(): Value {
    this.#skipSpace();
    const first = this.#text.charCodeAt(this.#at);
    if (first === quote) return this.#string();
    if (first === leftBracket) return this.#array();
    if (first === leftBrace) return this.#braces();
    if (this.#skipWord('true')) return true;
    if (this.#skipWord('false')) return false;
    if (this.#skipWord('set()')) return this.#makeSet([]);
    return this.#skipWord('null') ? null : this.#number();
  }

  end(): void {
    this.#skipSpace();
    if (this.#at !== this.#text.length) this.#fail();
  }

  #string(): string {
    if (this.#hasEscapes) return this.#escapedString();
    const start = this.#at + 1;
    const end = this.#text.indexOf('"', start);
    if (end === -1) this.#fail();
    this.#at = end + 1;
    return this.#text.slice(start, end);
  }

  #escapedString(): string {
    const start = this.#at;
    for (this.#at++; this.#text[this.#at] !== '"'; this.#at++) {
      if (this.#at >= this.#text.length) this.#fail();
      if (this.#text[this.#at] === '\\') this.#at++;
    }
    this.#at++;
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
    this.#at++;
    if (this.#skip(rightBracket)) return items;
    do items.push(this.value());
    while (this.#skip(comma));
    if (!this.#skip(rightBracket)) this.#fail();
    return items;
  }

  /** An object or a set: what follows the first value tells. */
  #braces(): ObjectValue | RegoSet {
    let object: ObjectValue = {};
    const members: Value[] = [];
    this.#at++;
    if (this.#skip(rightBrace)) return object;
    do {
      const key = this.value();
      if (this.#skip(colon)) object = insert(object, key, this.value());
      else members.push(key);
    } while (this.#skip(comma));
    if (!this.#skip(rightBrace)) this.#fail();
    return members.length === 0 ? object : this.#makeSet(members);
  }

  #skipWord(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #skip(unit: number): boolean {
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== unit) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  #fail(): never {
    throw new ValueTextError(`not a value at character ${this.#at}`);
  }
}

const isSpace = (unit: number): boolean => unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;

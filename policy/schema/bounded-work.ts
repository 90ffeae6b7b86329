import { _, type Ajv, Name, type ValidateFunction } from 'ajv';
import { resolveRef } from './check.ts';
import { isJsonObject } from '../json/json-object.ts';
import { wrapKeyword } from './wrap-keyword.ts';

/**
 * What one value may cost, about 0.2 s of work, 0.4 s for long texts. Each `$ref` that is followed is one step: a schema that
 * branches where it recurses would otherwise take 2^depth of them. A list of more items than this, each checked through a
 * `$ref`, is refused too.
 */
const maxSteps = 250_000;

/** In a schema that recurses, keywords that look at more the longer the value is: a `$ref` alone says nothing of their work. */
const piecesPerStep = 16;

/** ajv copies all errors found so far when what a `$ref` points at fails: quadratic where the next item is looked at all the same. */
const errorsPerStep = 128;

class TooMuchWork extends Error {}

/** Lets the work of a schema count against what one value may cost; `undefined` says that it costs too much. */
export function boundWork(ajv: Ajv, schema: unknown): (check: ValidateFunction, value: unknown) => boolean | undefined {
  let left = 0;
  const pay = (steps: number) => {
    left -= steps;
    if (left < 0) throw new TooMuchWork();
  };
  const followRef = (errors: readonly unknown[] | null) =>
    pay(1 + (errors === null ? 0 : errors.length / errorsPerStep));
  wrapKeyword(ajv, '$ref', (context, original) => {
    context.gen.code(_`${context.gen.scopeValue('func', { ref: followRef })}(${new Name('vErrors')})`);
    original();
  });
  if (isRecursive(schema)) chargeKeywords(ajv, (pieces) => pay(pieces / piecesPerStep));
  return (check, value) => {
    left = maxSteps;
    try {
      return check(value) === true;
    } catch (error) {
      // A stack overflow is a RangeError; readers that limit depth keep it from happening.
      if (!(error instanceof TooMuchWork || error instanceof RangeError)) throw error;
      return undefined;
    }
  };
}

function chargeKeywords(ajv: Ajv, charge: (pieces: number) => void): void {
  for (const [weigh, keywords] of weighed) {
    for (const keyword of keywords) payBefore(ajv, keyword, (value) => charge(weigh(value)));
  }
}

function payBefore(ajv: Ajv, keyword: string, pay: (value: unknown) => void): void {
  const definition = ajv.getKeyword(keyword);
  if (typeof definition === 'boolean') return;
  if (!('compile' in definition) || definition.compile === undefined) {
    wrapKeyword(ajv, keyword, (context, original) => {
      context.gen.code(_`${context.gen.scopeValue('func', { ref: pay })}(${context.data})`);
      original();
    });
    return;
  }
  const { compile } = definition;
  definition.compile = (...keywordAndPlace) => {
    const check = compile(...keywordAndPlace);
    return (value: unknown) => {
      pay(value);
      return check(value);
    };
  };
}

const weighed: readonly (readonly [weigh: (value: unknown) => number, keywords: readonly string[]])[] = [
  [piecesOf, ['pattern', 'format', 'minLength', 'maxLength']],
  [piecesOf, ['items', 'additionalItems', 'contains']],
  [piecesOf, ['additionalProperties', 'unevaluatedProperties', 'patternProperties', 'propertyNames']],
  [piecesOf, ['minProperties', 'maxProperties']],
  [allPiecesOf, ['enum', 'const', 'uniqueItems']],
  [digitsOf, ['multipleOf']],
];

/** Characters of a text, items of a list, members and the characters of their names. */
function piecesOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  let pieces = 0;
  for (const name of Object.keys(value)) pieces += 1 + name.length;
  return pieces;
}

function allPiecesOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return piecesOf(value);
  return Object.values(value).reduce((pieces: number, part) => pieces + allPiecesOf(part), piecesOf(value));
}

/** Of the decimal that stands for a number, about. */
function digitsOf(value: unknown): number {
  const size = Math.abs(Number(value));
  return size > 1e21 || size < 1e-7 ? 80 : 16;
}

/** ajv does not compile what goes deeper. */
const maxDepth = 2_000;

/** Whether a `$ref` leads back to what holds it, as far as can be told without knowing which schemas apply. */
function isRecursive(root: unknown): boolean {
  const isOpen = new Map<unknown, boolean>();
  const leadsBack = (schema: unknown, depth: number): boolean => {
    if (typeof schema !== 'object' || schema === null) return false;
    const known = isOpen.get(schema);
    if (known !== undefined) return known;
    if (depth > maxDepth) return true;
    isOpen.set(schema, true);
    const ref = isJsonObject(schema) ? schema['$ref'] : undefined;
    const found =
      (typeof ref === 'string' && leadsBack(resolveRef(root, ref)?.schema, depth + 1)) ||
      Object.values(schema).some((part) => leadsBack(part, depth + 1));
    isOpen.set(schema, false);
    return found;
  };
  return leadsBack(root, 0);
}

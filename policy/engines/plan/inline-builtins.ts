import { shortText } from './weigh.ts';

/**
 * Built-ins that are written into the code where they are called, for the operands that they mostly get; any other
 * goes to the shared built-in, which is `call`. Operands are variables or literals: writing one twice costs nothing.
 */
type Inline = (call: string, x: string, y: string) => string;

const compared =
  (operator: string): Inline =>
  (call, x, y) =>
    `(typeof ${x} === 'number' && typeof ${y} === 'number' ? ${x} ${operator} ${y} : ${call})`;

const ofTexts =
  (method: 'startsWith' | 'endsWith'): Inline =>
  (call, x, y) =>
    `(typeof ${x} === 'string' && typeof ${y} === 'string' && ${y}.length < ${shortText} ? ${x}.${method}(${y}) : ${call})`;

const inlines: Readonly<Record<string, Inline>> = {
  lt: compared('<'),
  lte: compared('<='),
  gt: compared('>'),
  gte: compared('>='),
  equal: (_call, x, y) => `equal(${x}, ${y})`,
  neq: (_call, x, y) => `!equal(${x}, ${y})`,
  count: (call, x) => `(isArray(${x}) ? ${x}.length : isSet(${x}) ? ${x}.members.size : ${call})`,
  'internal.member_2': (call, x, y) => `(isIn(${x}, ${y}) ?? ${call})`,
  startswith: ofTexts('startsWith'),
  endswith: ofTexts('endsWith'),
};

export function inlined(name: string, call: string, operands: readonly string[]): string {
  const inline = Object.hasOwn(inlines, name) ? inlines[name] : undefined;
  return inline?.(call, operands[0] ?? '', operands[1] ?? '') ?? call;
}

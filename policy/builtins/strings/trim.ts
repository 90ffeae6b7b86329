import type { Builtin, BuiltinContext, Builtins } from '../builtin.ts';
import { text } from '../operands.ts';
import { type Ends, withoutEnds } from './ends.ts';

function trimmed(context: BuiltinContext, value: string, isCut: (char: string) => boolean, ends: Ends): string {
  const kept = withoutEnds(value, isCut, ends);
  context.charge((value.length - kept.length) >>> 1);
  return kept;
}

const trim =
  (ends: Ends): Builtin =>
  (context, value, cutset) => {
    const whole = text(value, 1);
    const cut = text(cutset, 2);
    if (cut.length < 8) return trimmed(context, whole, (char) => cut.includes(char), ends);
    context.charge(cut.length);
    const chars = new Set(cut);
    return trimmed(context, whole, (char) => chars.has(char), ends);
  };

/** Go's unicode.IsSpace. JavaScript's \s has the byte order mark in addition, and lacks U+0085. */
const space = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

const trimSpace: Builtin = (context, value) => {
  const whole = text(value, 1);
  return trimmed(context, whole, (char) => space.test(char), { left: true, right: true });
};

const trimPrefix: Builtin = (_context, value, prefix) => {
  const [whole, start] = [text(value, 1), text(prefix, 2)];
  return whole.startsWith(start) ? whole.slice(start.length) : whole;
};

const trimSuffix: Builtin = (_context, value, suffix) => {
  const [whole, end] = [text(value, 1), text(suffix, 2)];
  return whole.endsWith(end) ? whole.slice(0, whole.length - end.length) : whole;
};

export const trimBuiltins: Builtins = {
  trim: trim({ left: true, right: true }),
  trim_left: trim({ left: true, right: false }),
  trim_prefix: trimPrefix,
  trim_right: trim({ left: false, right: true }),
  trim_space: trimSpace,
  trim_suffix: trimSuffix,
};

import type { LinearRegex, Match } from '../../linear-regex.ts';
import { attempt, type Builtin, type BuiltinContext, type Builtins } from '../builtin.ts';
import { globsIntersect } from './globs-intersect.ts';
import { integer, text } from '../operands.ts';
import { cachedRegex, test } from './pattern-cache.ts';
import { expand } from './replacement.ts';
import { templatePattern } from './template.ts';

/*
 * Never on JavaScript's RegExp, which backtracks and reads other patterns than OPA's: OPA's own SDK for JavaScript runs
 * `regex.split` on it, and `(a+)+$` with 30 characters of input stops that for seconds.
 */

const isMatch: Builtin = (context, pattern, value) => {
  const regex = cachedRegex(context, text(pattern, 1));
  return test(context, regex, text(value, 2));
};

const isValid: Builtin = (context, pattern) =>
  typeof pattern === 'string' && attempt(() => cachedRegex(context, pattern)) !== undefined;

const findN: Builtin = (context, pattern, value, limit) => {
  const source = text(value, 2);
  const found = findAll(context, cachedRegex(context, text(pattern, 1)), source, integer(limit, 3));
  return found.map((match) => groupText(source, match, 0));
};

const findAllStringSubmatchN: Builtin = (context, pattern, value, limit) => {
  const source = text(value, 2);
  const regex = cachedRegex(context, text(pattern, 1));
  const groups = Array.from({ length: regex.groupCount + 1 }, (_, group) => group);
  return findAll(context, regex, source, integer(limit, 3)).map((match) => {
    context.charge(groups.length);
    return groups.map((group) => groupText(source, match, group));
  });
};

const replace: Builtin = (context, value, pattern, replacement) => {
  const source = text(value, 1);
  const regex = cachedRegex(context, text(pattern, 2));
  const template = text(replacement, 3);
  let made = '';
  let end = 0;
  for (const match of findAll(context, regex, source, -1)) {
    context.charge(Math.ceil(template.length / 16));
    const piece = expand(template, regex, (group) => {
      const part = groupText(source, match, group);
      context.charge(1 + Math.ceil(part.length / 16));
      return part;
    });
    made += source.slice(end, match[0]) + piece;
    end = match[1] ?? end;
  }
  return made + source.slice(end);
};

/** Pieces between the matches; an empty match at the very beginning makes none. */
const split: Builtin = (context, pattern, value) => {
  const source = text(value, 2);
  const expression = text(pattern, 1);
  const regex = cachedRegex(context, expression);
  if (source === '' && expression !== '') return [''];
  const pieces: string[] = [];
  let begin = 0;
  let lastStart = 0;
  for (const [start = 0, end = 0] of findAll(context, regex, source, -1)) {
    lastStart = start;
    if (end !== 0) pieces.push(source.slice(begin, start));
    begin = end;
  }
  if (lastStart !== source.length) pieces.push(source.slice(begin));
  return pieces;
};

const templateMatch: Builtin = (context, template, value, open, close) => {
  const subject = text(value, 2);
  const pattern = templatePattern(context, text(template, 1), text(open, 3), text(close, 4));
  return test(context, cachedRegex(context, pattern), subject);
};

const globsMatch: Builtin = (context, a, b) => globsIntersect(context, text(a, 1), text(b, 2));

/**
 * Matches that do not overlap, from the left; all when the limit is negative. As in Go, there is no empty match right
 * after another one.
 */
function findAll(context: BuiltinContext, regex: LinearRegex, source: string, limit: number): readonly Match[] {
  const found: Match[] = [];
  let from = 0;
  let previousEnd = -1;
  while (from <= source.length && (limit < 0 || found.length < limit)) {
    // One search may look at the whole rest of the text for a match of one character (`a.*b|a`), so that all of them
    // together take quadratic time. Most stop right behind the match: an eighth of the rest is a price for both.
    context.charge(1 + Math.ceil((source.length - from) / 8));
    const match = regex.find(source, from);
    const [start = 0, end = 0] = match ?? [source.length, source.length];
    context.charge(Math.ceil(((end - from) * (4 + regex.size)) / 16));
    if (match === undefined) break;
    if (end !== from || start !== previousEnd) found.push(match);
    from = end > from ? end : from + widthAt(source, from);
    previousEnd = end;
  }
  return found;
}

const widthAt = (source: string, at: number): number => ((source.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);

/** The empty text for a group that took no part. */
function groupText(source: string, match: Match, group: number): string {
  const start = match[2 * group] ?? -1;
  return start < 0 ? '' : source.slice(start, match[2 * group + 1]);
}

export const regexBuiltins: Builtins = {
  re_match: isMatch,
  'regex.match': isMatch,
  'regex.is_valid': isValid,
  'regex.find_n': findN,
  'regex.find_all_string_submatch_n': findAllStringSubmatchN,
  'regex.replace': replace,
  'regex.split': split,
  'regex.template_match': templateMatch,
  'regex.globs_match': globsMatch,
};

import { parseSpiffeId, parseTrustDomain, pathOf } from '../../certs/spiffe-id.ts';
import type { SpiffeId } from '../../certs/spiffe-id.ts';
import { DURATION_UNITS, SIZE_UNITS } from './amounts.ts';
import { parseTemplate } from './route-template.ts';
import { nearest } from './section.ts';
import { scalar, text } from './shape.ts';
import type { FileUse, Parsed, Shape } from './shape.ts';

export const boolean: Shape<boolean> = scalar({
  allowed: 'true or false',
  jsonSchema: { type: 'boolean' },
  parse: ({ value, source }) => {
    if (typeof value === 'boolean') return { value };
    // YAML 1.1 read these as booleans and many users still write them.
    const meant = /^(?:yes|on)$/i.test(source) ? 'true' : /^(?:no|off)$/i.test(source) ? 'false' : undefined;
    return { wrong: `\`${source}\` is neither`, suggestion: meant };
  },
});

export function integer(from: number, to: number): Shape<number> {
  return scalar({
    allowed: `a whole number from ${from} to ${to}`,
    jsonSchema: { type: 'integer', minimum: from, maximum: to },
    parse: ({ value, source }) => {
      if (typeof value !== 'number' || !Number.isSafeInteger(value))
        return { wrong: `\`${source}\` is no whole number` };
      return value >= from && value <= to ? { value } : { wrong: `${value} is out of range` };
    },
  });
}

/** A part of a whole that is not nothing. */
export const share: Shape<number> = scalar({
  allowed: 'a number over 0, up to 1',
  jsonSchema: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
  parse: ({ value, source }) => {
    if (typeof value !== 'number') return { wrong: `\`${source}\` is no number` };
    return value > 0 && value <= 1 ? { value } : { wrong: `${source} is out of range` };
  },
});

export function oneOf<const T extends string>(...words: readonly T[]): Shape<T> {
  return scalar({
    allowed: words.map((word) => `\`${word}\``).join(', '),
    jsonSchema: words.length === 1 ? { const: words[0] } : { enum: words },
    parse: ({ source }) => {
      const value = words.find((word) => word === source);
      if (value !== undefined) return { value };
      const folded = words.find((word) => word.toLowerCase() === source.toLowerCase());
      return { wrong: `\`${source}\` is none of these`, suggestion: folded ?? nearest(source, words) };
    },
  });
}

/** Milliseconds, from `500ms`, `30s`, `5m` or `1h`; a bare number is refused, since files disagree on its unit. */
export function duration(from: string, to: string): Shape<number> {
  return quantity(from, to, DURATION_UNITS, 'a duration', (value) => `${value}s`);
}

/** Bytes, from `64KiB`, `1MiB`; `KB` is refused, since it means 1000 to some and 1024 to others. */
export function size(from: string, to: string): Shape<number> {
  return quantity(from, to, SIZE_UNITS, 'a size', (value) => {
    const [, digits = value, unit = ''] = /^(\d+)\s*([KMG]?)/i.exec(value) ?? [];
    return `${digits}${unit === '' ? 'B' : `${unit.toUpperCase()}iB`}`;
  });
}

function quantity(
  from: string,
  to: string,
  units: Readonly<Record<string, number>>,
  what: string,
  guess: (written: string) => string,
): Shape<number> {
  const pattern = new RegExp(`^([0-9]{1,12})(${Object.keys(units).join('|')})$`);
  const measure = (written: string) => {
    const [, digits = '', unit = ''] = pattern.exec(written) ?? [];
    return Number(digits || Number.NaN) * (units[unit] ?? Number.NaN);
  };
  const [least, most] = [measure(from), measure(to)];
  return scalar({
    allowed: `${what} from ${from} to ${to} (${Object.keys(units).join(', ')})`,
    jsonSchema: { type: 'string', pattern: pattern.source },
    parse: ({ source }) => {
      const value = measure(source);
      if (Number.isNaN(value)) {
        const meant = guess(source);
        return { wrong: `\`${source}\` is not ${what}`, suggestion: Number.isNaN(measure(meant)) ? undefined : meant };
      }
      return value >= least && value <= most ? { value } : { wrong: `${source} is out of range` };
    },
  });
}

/** An absolute path, from one relative to the configuration file; that it exists is checked when all is read. */
export function file(use: FileUse, what: string): Shape<string> {
  const shape = text(`the path of ${what}`, { minLength: 1 }, (path, reading): Parsed<string> => {
    if (path === '') return { wrong: 'has no value' };
    if (path.includes('\0')) return { wrong: 'a path cannot contain NUL' };
    return { value: reading.resolve(path) };
  });
  return {
    ...shape,
    read: (node, path, reading) => {
      const absolute = shape.read(node, path, reading);
      if (absolute !== undefined) reading.references.push({ file: absolute, use, at: node.at, path });
      return absolute;
    },
  };
}

export function pattern(allowed: string, form: RegExp): Shape<string> {
  return text(allowed, { pattern: form.source }, (value) =>
    form.test(value) ? { value } : { wrong: `\`${value}\` is not valid` },
  );
}

/** What `parse` accepts; its own message says why when it throws. */
function parsedBy<T>(allowed: string, form: string, parse: (value: string) => Parsed<T>): Shape<T> {
  return text(allowed, { pattern: form }, (value): Parsed<T> => {
    try {
      return parse(value);
    } catch (cause) {
      return { wrong: cause instanceof Error ? cause.message : String(cause) };
    }
  });
}

const domainForm = '[a-z0-9._-]{1,255}';

export const trustDomain = parsedBy('a trust domain such as `shop.example`', `^${domainForm}$`, (value) => ({
  value: parseTrustDomain(value),
}));

/** Of a workload: an ID without a path names the trust domain itself, and no leaf may carry that (X509-SVID). */
export const spiffeId = parsedBy(
  'a SPIFFE ID such as `spiffe://shop.example/ns/web`',
  `^spiffe://${domainForm}(/[A-Za-z0-9._-]+)+$`,
  (value): Parsed<SpiffeId> => {
    const id = parseSpiffeId(value);
    return pathOf(id) === '' ? { wrong: `\`${value}\` has no path, so it names no workload` } : { value: id };
  },
);

export const routePath = parsedBy('a path such as `/orders/{id}` or `/files/{rest...}`', '^/', (value) => {
  parseTemplate(value);
  return { value };
});

import { hash } from 'node:crypto';
import { type AuditEvent, headingOf } from './catalogue.ts';
import type { Field, Fields } from './field.ts';
import { controlFields, exchangeFields, handshakeFields } from './record.ts';
import { maskTarget } from './target.ts';

/**
 * An event as the inner part of its line: `"type":"authz.allow","outcome":...`, without the braces. The result is
 * printable ASCII whatever went in: JSON alone would leave U+2028, U+0085, bidirectional controls and the C1 range as
 * they are, and editors, terminals and log shippers split or obey them (CWE-117, CWE-150).
 */
export function encodeEvent(event: AuditEvent): string {
  const notes: Notes = { masked: 0, cut: [] };
  const { type, outcome, class: kind, reason } = headingOf(event);
  let line = `"type":"${type}","outcome":"${outcome}"`;
  if (kind !== undefined) line += `,"class":"${kind}"`;
  if (reason !== undefined) line += `,"reason":${encodeText('reason', reason, REASON_BYTES, notes)}`;
  line += encodeFields(PLANS[event.kind], event, '', notes);
  if (notes.masked > 0) line += `,"masked":${notes.masked}`;
  if (notes.cut.length > 0) line += `,"cut":[${notes.cut.join(',')}]`;
  return line;
}

const REASON_BYTES = 128;

type Notes = { masked: number; readonly cut: string[] };

/** A table of fields with everything precomputed that is the same for each record. */
type Plan = readonly {
  readonly name: string;
  readonly key: string;
  readonly field: Field;
  readonly inner: Plan;
  /** Values of this group that can never change, as they were written: those of a connection are in each of its records. */
  readonly written: WeakMap<object, string>;
}[];

function planOf(fields: Fields): Plan {
  return Object.entries(fields).map(([name, field]) => ({
    name,
    key: `,"${name}":`,
    field,
    inner: field.kind === 'group' ? planOf(field.fields) : [],
    written: new WeakMap(),
  }));
}

const PLANS = {
  exchange: planOf(exchangeFields),
  handshake: planOf(handshakeFields),
  control: planOf(controlFields),
};

function encodeFields(plan: Plan, values: object, parent: string, notes: Notes): string {
  const given = values as Readonly<Record<string, unknown>>;
  let line = '';
  for (const row of plan) {
    const { name, key, field } = row;
    const value = given[name];
    if (value === undefined || value === null) continue;
    if (field.kind === 'group') {
      if (typeof value === 'object') line += key + encodeGroup(row, value, `${parent}${name}.`, notes);
    } else {
      const encoded = encodeValue(field, value, parent + name, notes);
      if (encoded !== undefined) line += key + encoded;
    }
  }
  return line;
}

function encodeGroup({ inner, written }: Plan[number], value: object, path: string, notes: Notes): string {
  const known = written.get(value);
  if (known !== undefined) return known;
  const before = notes.masked + notes.cut.length;
  const text = `{${encodeFields(inner, value, path, notes).slice(1)}}`;
  // What had to leave something out says so in the record, and each record has to.
  if (Object.isFrozen(value) && before === notes.masked + notes.cut.length) written.set(value, text);
  return text;
}

function encodeValue(field: Exclude<Field, { kind: 'group' }>, value: unknown, path: string, notes: Notes) {
  switch (field.kind) {
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
    case 'flag':
      return typeof value === 'boolean' ? String(value) : undefined;
    case 'choice':
      return typeof value === 'string' ? encodeText(path, value, REASON_BYTES, notes) : undefined;
    case 'text':
      return typeof value === 'string' ? encodeText(path, value, field.maxBytes, notes) : undefined;
    case 'target': {
      if (typeof value !== 'string') return undefined;
      const { text, masked } = maskTarget(value);
      notes.masked += masked;
      return encodeText(path, text, field.maxBytes, notes);
    }
  }
}

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const NOT_ASCII = /[^\x20-\x7e]/g;

/** A JSON string of at most `maxBytes` between its quotes; what does not fit is noted with its digest, never dropped. */
function encodeText(path: string, value: string, maxBytes: number, notes: Notes): string {
  if (value.length > maxBytes || value.length * 6 > maxBytes) {
    const kept = fittingLength(value, maxBytes);
    if (kept < value.length) {
      notes.cut.push(
        `{"field":"${path}","bytes":${bytesOf(value).length},"sha256":"${hash('sha256', bytesOf(value))}"}`,
      );
      return quoted(value.slice(0, kept));
    }
  }
  return quoted(value);
}

/** The string as JSON in ASCII. Lone surrogates come out as escapes too, so that they can be read back. */
export function quoted(value: string): string {
  if (PLAIN.test(value)) return `"${value}"`;
  return JSON.stringify(value).replace(NOT_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function fittingLength(value: string, maxBytes: number): number {
  let room = maxBytes;
  for (let index = 0; index < value.length; index++) {
    room -= encodedLength(value.charCodeAt(index));
    if (room < 0) return index;
  }
  return value.length;
}

function encodedLength(unit: number): number {
  if (unit === 0x22 || unit === 0x5c || (unit >= 0x08 && unit <= 0x0d && unit !== 0x0b)) return 2;
  return unit >= 0x20 && unit <= 0x7e ? 1 : 6;
}

/** The bytes a string stands for: what came off the wire holds one byte per character. */
function bytesOf(value: string): Buffer {
  return Buffer.from(value, /^[\x00-\xff]*$/.test(value) ? 'latin1' : 'utf8');
}

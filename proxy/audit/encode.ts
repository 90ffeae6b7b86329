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
  line += encodeFields(PLANS[event.kind], event, notes);
  if (notes.masked > 0) line += `,"masked":${notes.masked}`;
  if (notes.cut.length > 0) line += `,"cut":[${notes.cut.join(',')}]`;
  return line;
}

const REASON_BYTES = 128;

type Notes = { masked: number; readonly cut: string[] };

/** A field of a record, with its name and the comma before it; empty where the value is left out. */
type Encode = (value: unknown, notes: Notes) => string;

/** A table of fields with everything precomputed that is the same for each record. */
type Plan = readonly { readonly name: string; readonly encode: Encode }[];

function planOf(fields: Fields, parent = ''): Plan {
  return Object.entries(fields).map(([name, field]) => ({
    name,
    encode: encoderOf(field, parent + name, `,"${name}":`),
  }));
}

function encoderOf(field: Field, path: string, key: string): Encode {
  switch (field.kind) {
    case 'number':
      return (value) => (typeof value === 'number' && Number.isFinite(value) ? key + value : '');
    case 'flag':
      return (value) => (typeof value === 'boolean' ? key + value : '');
    case 'choice':
      return textEncoder(path, REASON_BYTES, key);
    case 'text':
      return textEncoder(path, field.maxBytes, key);
    case 'target':
      return targetEncoder(path, field.maxBytes, key);
    case 'group':
      return groupEncoder(planOf(field.fields, `${path}.`), key);
  }
}

function textEncoder(path: string, maxBytes: number, key: string): Encode {
  return rememberingLast((value, notes) => key + encodeText(path, value, maxBytes, notes));
}

function targetEncoder(path: string, maxBytes: number, key: string): Encode {
  return rememberingLast((value, notes) => {
    const { text, masked } = maskTarget(value);
    notes.masked += masked;
    return key + encodeText(path, text, maxBytes, notes);
  });
}

/** Most texts of a record are those of the record before: the snapshot, the route, the host. */
function rememberingLast(encode: (value: string, notes: Notes) => string): Encode {
  let last: string | undefined;
  let written = '';
  return (value, notes) => {
    if (typeof value !== 'string') return '';
    if (value === last) return written;
    const before = notes.masked + notes.cut.length;
    const text = encode(value, notes);
    // What had to leave something out says so in the record, and each record has to.
    if (before === notes.masked + notes.cut.length) [last, written] = [value, text];
    return text;
  };
}

function groupEncoder(plan: Plan, key: string): Encode {
  // Values that can never change, as they were written: those of a connection are in each of its records.
  const known = new WeakMap<object, string>();
  return (value, notes) => {
    if (typeof value !== 'object' || value === null) return '';
    const written = known.get(value);
    if (written !== undefined) return written;
    const before = notes.masked + notes.cut.length;
    const text = `${key}{${encodeFields(plan, value, notes).slice(1)}}`;
    if (Object.isFrozen(value) && before === notes.masked + notes.cut.length) known.set(value, inOnePiece(text));
    return text;
  };
}

const PLANS = {
  exchange: planOf(exchangeFields),
  handshake: planOf(handshakeFields),
  control: planOf(controlFields),
};

function encodeFields(plan: Plan, values: object, notes: Notes): string {
  const given = values as Readonly<Record<string, unknown>>;
  let line = '';
  for (const { name, encode } of plan) {
    const value = given[name];
    if (value !== undefined && value !== null) line += encode(value, notes);
  }
  return line;
}

/**
 * For text of one byte per character that is written again and again. V8 keeps a text that was added up as the tree of
 * its parts, and whoever copies it pays about 80 ns for each of them.
 */
export function inOnePiece(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const NOT_ASCII = /[^\x20-\x7e]/g;

/** A JSON string of at most `maxBytes` between its quotes; what does not fit is noted with its digest, never dropped. */
function encodeText(path: string, value: string, maxBytes: number, notes: Notes): string {
  if (value.length <= maxBytes && PLAIN.test(value)) return `"${value}"`;
  if (value.length * 6 > maxBytes) {
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

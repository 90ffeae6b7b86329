import { oncePer } from '../../policy/once-per.ts';
import { type AuditEvent, headingOf } from './catalogue.ts';
import { type Field, type Fields, text as textField } from './field.ts';
import { encodeText, inOnePiece } from './encode-text.ts';
import { controlFields, exchangeFields, handshakeFields } from './record.ts';
import { maskTarget } from './target.ts';

/**
 * An event as the inner part of its line: `"type":"authz.allow","outcome":...`, without the braces. The result is
 * printable ASCII whatever went in: JSON alone would leave U+2028, U+0085, bidirectional controls and the C1 range as
 * they are, and editors, terminals and log shippers split or obey them (CWE-117, CWE-150).
 */
export function encodeEvent(event: AuditEvent): string {
  const notes: Notes = { masked: 0, cut: [] };
  let line = encodeMembers(HEADING, headingOf(event), notes) + encodeFields(PLANS[event.kind], event, notes);
  if (notes.masked > 0) line += `,"masked":${notes.masked}`;
  if (notes.cut.length > 0) line += `,"cut":[${notes.cut.join(',')}]`;
  return line;
}

type Notes = { masked: number; readonly cut: string[] };

/** A field of a record, with its name and the comma before it; empty where the value is left out. */
type Encode = (value: unknown, notes: Notes) => string;

type Values = Readonly<Record<string, unknown>>;

/** One field of a table, or several that last together, with everything precomputed that is the same for each record. */
type Plan = readonly ((values: Values, notes: Notes) => string)[];

type NamedField = { readonly name: string; readonly encode: Encode };

/**
 * Fields, next to each other in their table, that are mostly those of an earlier record: what came of it, what it was judged
 * by, the connection. Each line of them is one text then, instead of some forty that V8 has to join (2 us of a request).
 */
const LASTING: readonly (readonly string[])[] = [
  ['type', 'outcome', 'class', 'reason'],
  ['status', 'detail', 'pointer', 'rule'],
  ['policy', 'snapshot', 'schema', 'listener', 'route'],
  ['src', 'dst', 'peer', 'user'],
  ['object.service', 'object.method'],
  ['object.sent_target', 'object.path_template', 'object.authority'],
  ['bytes_in', 'bytes_out', 'aborted'],
];

function planOf(fields: Fields, parent = ''): Plan {
  const members = Object.entries(fields).map(([name, field]) => ({
    name,
    encode: encoderOf(field, parent + name, `,"${name}":`),
  }));
  return runsOf(members, parent).map((run) => (run.length === 1 ? alone(run[0] as NamedField) : rememberingAll(run)));
}

/** Only what stands next to each other in this table: the order of a record is that of its table. */
function runsOf(members: readonly NamedField[], parent: string): readonly (readonly NamedField[])[] {
  const runs: NamedField[][] = [];
  let last: readonly string[] | undefined;
  for (const member of members) {
    const names = LASTING.find((run) => run.includes(parent + member.name));
    if (names !== undefined && names === last) runs.at(-1)?.push(member);
    else runs.push([member]);
    last = names;
  }
  return runs;
}

function alone({ name, encode }: NamedField): Plan[number] {
  return (values, notes) => {
    const value = values[name];
    return value === undefined || value === null ? '' : encode(value, notes);
  };
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
  return (value, notes) => (typeof value === 'string' ? key + encodeText(path, value, maxBytes, notes.cut) : '');
}

function targetEncoder(path: string, maxBytes: number, key: string): Encode {
  return (value, notes) => {
    if (typeof value !== 'string') return '';
    const { text, masked } = maskTarget(value);
    notes.masked += masked;
    return key + encodeText(path, text, maxBytes, notes.cut);
  };
}

function groupEncoder(plan: Plan, key: string): Encode {
  // Values that can never change, as they were written: those of a connection are in each of its records.
  const known = new WeakMap<object, string>();
  return (value, notes) => {
    if (typeof value !== 'object' || value === null) return '';
    const written = known.get(value);
    if (written !== undefined) return written;
    const before = noted(notes);
    const text = `${key}{${encodeMembers(plan, value, notes)}}`;
    if (Object.isFrozen(value) && before === noted(notes)) known.set(value, inOnePiece(text));
    return text;
  };
}

/** What had to leave something out says so in the record, and each record has to: it is not remembered. */
const noted = ({ masked, cut }: Notes): number => masked + cut.length;

/** What fields had as values, and how that was written. */
type Remembered = { readonly values: readonly unknown[]; text: string; inOnePiece: boolean };

/** Of each connection, or of each policy; and of all that have none: routes and methods take turns. */
const maxRemembered = 8;

function rememberingAll(fields: readonly NamedField[]): Plan[number] {
  const [{ name: first }] = fields as [NamedField];
  const ofObject = oncePer((_first: object) => new Array<Remembered>());
  const ofOthers: Remembered[] = [];
  const encoders = fields.map(alone);
  return (values, notes) => {
    const begin = values[first];
    const earlier = typeof begin === 'object' && begin !== null ? ofObject(begin) : ofOthers;
    for (const known of earlier) if (isOf(known, fields, values)) return textOf(known);
    const before = noted(notes);
    let text = '';
    for (const encode of encoders) text += encode(values, notes);
    const given = fields.map(({ name }) => values[name]);
    if (before === noted(notes) && given.every(isLasting)) {
      if (earlier.length === maxRemembered) earlier.shift();
      earlier.push({ values: given, text, inOnePiece: false });
    }
    return text;
  };
}

function isOf({ values: known }: Remembered, fields: readonly NamedField[], values: Values): boolean {
  for (let index = 0; index < fields.length; index += 1) {
    if (values[(fields[index] as NamedField).name] !== known[index]) return false;
  }
  return true;
}

/** In one piece once it is asked for again: hardly any of those that never come again pays for it. */
function textOf(known: Remembered): string {
  if (!known.inOnePiece) {
    known.text = inOnePiece(known.text);
    known.inOnePiece = true;
  }
  return known.text;
}

const isLasting = (value: unknown): boolean => typeof value !== 'object' || Object.isFrozen(value);

const REASON_BYTES = 128;

const HEADING = planOf({
  type: textField(''),
  outcome: textField(''),
  class: textField(''),
  reason: textField('', REASON_BYTES),
});

const PLANS = {
  exchange: planOf(exchangeFields),
  handshake: planOf(handshakeFields),
  control: planOf(controlFields),
};

function encodeFields(plan: Plan, values: object, notes: Notes): string {
  let line = '';
  for (const encode of plan) line += encode(values as Values, notes);
  return line;
}

/** The same without the comma before the first. */
function encodeMembers(plan: Plan, values: object, notes: Notes): string {
  let line = '';
  for (const encode of plan) {
    const text = encode(values as Values, notes);
    // Not of the whole: to cut a text that was added up means to copy it.
    line += line === '' ? text.slice(1) : text;
  }
  return line;
}

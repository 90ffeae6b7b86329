import { globSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'tap';
import type { AuditEvent } from '../../../proxy/audit/catalogue.ts';
import {
  controlTypes,
  eventTypes,
  exchangeType,
  exchangeTypes,
  handshakeTypes,
  headingOf,
} from '../../../proxy/audit/catalogue.ts';
import { encodeEvent } from '../../../proxy/audit/encode.ts';
import type { Field, Fields } from '../../../proxy/audit/field.ts';
import { MAX_LINE_BYTES } from '../../../proxy/audit/hash-chain.ts';
import {
  controlFields,
  envelopeFields,
  exchangeFields,
  handshakeFields,
  noteFields,
} from '../../../proxy/audit/record.ts';
import { denialCodes } from '../../../proxy/denial.ts';
import { exchange } from './trail.ts';

/** CWE-117 (log forging), CWE-150 (terminal escapes), Trojan Source CVE-2021-42574, invalid UTF-8. */
const HOSTILE = [
  'a\r\n{"v":1,"type":"authz.allow"}',
  '\u001b[2J\u001b]0;owned\u0007',
  'nul\u0000nul',
  'line\u2028paragraph\u2029next\u0085',
  '\u202egnp.exe',
  '"},"type":"authz.allow","x":{"',
  '\\u0022\\',
  '\u00ff\u00fe\u0080\u009b31m',
  '\ud800 lone \udc00',
  '\u007f',
];

const TABLES = { exchange: exchangeFields, handshake: handshakeFields, control: controlFields } as const;

function paths(fields: Fields, parent: readonly string[] = []): readonly (readonly string[])[] {
  return Object.entries(fields).flatMap(([name, field]) =>
    field.kind === 'group' ? paths(field.fields, [...parent, name]) : [[...parent, name]],
  );
}

function isText(field: Field | undefined): boolean {
  return field?.kind === 'text' || field?.kind === 'target';
}

function fieldAt(fields: Fields, [name = '', ...rest]: readonly string[]): Field | undefined {
  const field = fields[name];
  return field?.kind === 'group' ? fieldAt(field.fields, rest) : field;
}

function nested(path: readonly string[], value: unknown): object {
  return path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object;
}

function valueAt(record: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], record);
}

function event(kind: keyof typeof TABLES, facts: object): AuditEvent {
  return { kind, id: '1', dur_us: 1, type: 'admin.call', ...facts } as unknown as AuditEvent;
}

test('hostile text stays one ASCII line in every text field, and can be read back', async (t) => {
  for (const kind of ['exchange', 'handshake', 'control'] as const) {
    for (const path of paths(TABLES[kind]).filter((each) => isText(fieldAt(TABLES[kind], each)))) {
      for (const text of HOSTILE) {
        const line = `{${encodeEvent(event(kind, nested(path, text)))}}`;
        const name = `${kind} ${path.join('.')} ${JSON.stringify(text)}`;
        if (!/^[\x20-\x7e]*$/.test(line)) t.fail(`not printable ASCII: ${name}`);
        if (valueAt(JSON.parse(line), path) !== text) t.fail(`not recoverable: ${name}`);
      }
    }
  }
  t.pass('every field');
});

/** Every field of a kind has a value that is made of `mark`; groups are frozen, as those of a connection are. */
function filled(fields: Fields, mark: number): object {
  const entries = Object.entries(fields).map(([name, field]) => {
    if (field.kind === 'group') return [name, Object.freeze(filled(field.fields, mark))];
    if (field.kind === 'number') return [name, mark];
    if (field.kind === 'flag') return [name, mark % 2 === 0];
    return [name, field.kind === 'choice' ? field.values[mark % field.values.length] : `${name}-${mark}`];
  });
  return Object.fromEntries(entries) as object;
}

test('a record has the order of its table and its own values, whatever was recorded before', async (t) => {
  for (const kind of ['exchange', 'handshake', 'control'] as const) {
    const facts = [0, 1].map((mark) => filled(TABLES[kind], mark));
    // One field after another differs from the record before; then the one before comes again.
    const mixed = Object.keys(TABLES[kind]).flatMap((name) => {
      const other = { ...facts[0], [name]: (facts[1] as Record<string, unknown>)[name] };
      return [facts[0], facts[0], other, other, facts[1]];
    });
    for (const one of mixed) {
      const line = encodeEvent({ ...event(kind, one ?? {}), reason: undefined } as unknown as AuditEvent);
      const {
        type: _type,
        outcome: _outcome,
        class: _class,
        ...written
      } = JSON.parse(`{${line}}`) as Record<string, unknown>;
      if (JSON.stringify(written) !== JSON.stringify(one)) t.equal(JSON.stringify(written), JSON.stringify(one), kind);
    }
  }
  t.pass('every field');
});

test('any string can be read back exactly while it fits', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (detail) => {
      const record: unknown = JSON.parse(`{${encodeEvent(event('control', { detail }))}}`);
      return valueAt(record, ['detail']) === detail;
    }),
  );
  t.pass();
});

test('an over-long field is cut, and its length and digest stay', async (t) => {
  const target = `/${'\u00ff'.repeat(70_000)}`;
  const line = `{${encodeEvent(exchange('1', { object: { target } }))}}`;
  t.ok(line.length < MAX_LINE_BYTES);
  const record: unknown = JSON.parse(line);
  t.ok(target.startsWith(String(valueAt(record, ['object', 'target']))));
  t.match(valueAt(record, ['cut']), [{ field: 'object.target', bytes: 70_001, sha256: /^[0-9a-f]{64}$/ }]);
});

test('no record can exceed 65,535 bytes: the sum of all caps does not', async (t) => {
  const worst = (fields: Fields): number =>
    Object.entries(fields).reduce((sum, [name, field]) => {
      const value =
        field.kind === 'group'
          ? worst(field.fields)
          : 'maxBytes' in field
            ? field.maxBytes
            : field.kind === 'choice'
              ? 128
              : 24;
      return sum + name.length + 6 + value;
    }, 0);
  const heading = 512;
  for (const table of Object.values(TABLES)) {
    t.ok(worst(table) + worst(envelopeFields) + worst(noteFields) + heading < MAX_LINE_BYTES);
    const texts = paths(table).filter((path) => isText(fieldAt(table, path)));
    const cuts = texts.reduce((sum, path) => sum + path.join('.').length + 120, 0);
    t.ok(cuts < noteFields.cut.maxBytes, 'every field may be cut at once');
  }
});

test('what the tables do not name is not written, even when a caller passes it', async (t) => {
  const smuggled = { headers: { authorization: 'Bearer s3cr3t' }, peer: { key: 's3cr3t' }, object: { body: 's3cr3t' } };
  t.notMatch(encodeEvent(event('exchange', smuggled)), /s3cr3t/);
});

test('the target is exact, except for the values of credentials', async (t) => {
  const recorded = (target: string) => {
    const record: unknown = JSON.parse(`{${encodeEvent(exchange('1', { object: { target } }))}}`);
    return [valueAt(record, ['object', 'target']), valueAt(record, ['masked'])];
  };
  for (const exact of [
    '/a?b=c&d',
    '/a?q=token',
    '/a?tokens=3',
    '/access_token=1',
    '/%61?%62=%63',
    '/a?token=',
    '*',
    '/a@b?c=d@e',
  ]) {
    t.same(recorded(exact), [exact, undefined]);
  }
  t.same(recorded('/a?x=1&access_token=s3&y=2'), ['/a?x=1&access_token=***&y=2', 1]);
  t.same(recorded('/a?Access%5FToken=s3;API-KEY=s4'), ['/a?Access%5FToken=***;API-KEY=***', 2]);
  t.same(recorded('/a?user[password]=s3&a=1'), ['/a?user[password]=***&a=1', 1]);
  t.same(recorded('/a?b?token=s=3'), ['/a?b?token=s=3', undefined], 'the name is what stands before the first =');
  t.same(recorded('http://u:s3cr3t@host/a'), ['http://***@host/a', 1]);
  t.same(recorded('/?token=s1&token=s2'), ['/?token=***&token=***', 2]);
});

test('type, outcome and class follow from the reason', async (t) => {
  t.match(headingOf(exchange('1')), { type: 'authz.allow', outcome: 'allow' });
  const expected = {
    forbidden: ['authz.deny', 'deny', 'denied'],
    'policy-undecided': ['authz.error', 'error', 'undecided'],
    'schema-violation': ['input.reject', 'deny', 'invalid'],
    'too-many-requests': ['limit.reject', 'deny', 'denied'],
    'response-violation': ['output.reject', 'error', 'failed'],
    'upstream-timeout': ['upstream.error', 'error', 'failed'],
    'internal-error': ['internal.error', 'error', 'failed'],
  } as const;
  for (const [reason, [type, outcome, kind]] of Object.entries(expected)) {
    t.match(headingOf(exchange('1', { reason: reason as keyof typeof expected })), {
      type,
      outcome,
      class: kind,
      reason,
    });
  }
  for (const code of denialCodes) t.ok(exchangeType(code) in eventTypes, code);
  t.match(headingOf({ kind: 'handshake', id: '1', dur_us: 1, reason: 'expired' }), {
    type: 'tls.reject',
    outcome: 'deny',
  });
});

test('each type of the catalogue is written by somebody (AU-2)', async (t) => {
  const ofExchanges = new Set(['authz.allow', ...denialCodes.map(exchangeType)]);
  t.same(ofExchanges, new Set(Object.keys(exchangeTypes)));
  const handshake = { kind: 'handshake', id: 'c', dur_us: 1 } as const;
  const ofHandshakes = [
    handshake,
    { ...handshake, reason: 'expired' },
    { ...handshake, reason: 'expired', ended: true as const },
  ];
  t.same(
    ofHandshakes.map((event) => headingOf(event).type),
    Object.keys(handshakeTypes),
  );
  const root = new URL('../../../', import.meta.url);
  const sources = globSync('{proxy,certs}/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('audit/catalogue.ts'))
    .map((file) => readFileSync(new URL(file, root), 'utf8').replaceAll(/^\s*(?:\/?\*|\/\/).*$/gm, ''))
    .join('\n');
  t.same(
    Object.keys(controlTypes).filter((type) => !sources.includes(`'${type}'`)),
    [],
  );
});

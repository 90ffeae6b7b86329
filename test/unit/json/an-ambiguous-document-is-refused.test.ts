import { test } from 'tap';
import type { JsonProblemCode } from '../../../policy/json/problem.ts';
import { readStrictJson } from '../../../policy/json/strict-json.ts';

const limits = { maxDepth: 64 };
const utf8 = (text: string) => Buffer.from(text, 'utf8');

/** More than are compared one by one. */
const many = Array.from({ length: 20 }, (_, at) => `"m${at}":${at}`).join();

type Row = readonly [what: string, bytes: Uint8Array, code: JsonProblemCode, offset: number, pointer: string];

const refusals: readonly Row[] = [
  ['byte order mark', Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), 'byte-order-mark', 0, ''],
  ['UTF-16', Buffer.from('{}', 'utf16le'), 'syntax', 1, ''],
  ['a continuation byte alone', Buffer.from([0x22, 0x80, 0x22]), 'invalid-utf8', 1, ''],
  ['an overlong slash', Buffer.from([0x22, 0x61, 0xc0, 0xaf, 0x22]), 'invalid-utf8', 2, ''],
  ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'invalid-utf8', 1, ''],
  ['a character cut off', Buffer.from([0x22, 0xef, 0xbf, 0xbd, 0xc3]), 'invalid-utf8', 4, ''],
  ['nothing', utf8(''), 'syntax', 0, ''],
  ['white space only', utf8(' \n'), 'syntax', 2, ''],
  ['trailing garbage', utf8('{} x'), 'syntax', 3, ''],
  ['two documents', utf8('{}{}'), 'syntax', 2, ''],
  ['NUL behind the value', utf8('{}\0'), 'syntax', 2, ''],
  ['a no-break space', utf8('\u00a0{}'), 'syntax', 0, ''],
  ['a comment', utf8('/**/{}'), 'syntax', 0, ''],
  ['trailing comma', utf8('[1,]'), 'syntax', 3, '/1'],
  ['trailing comma in an object', utf8('{"é":1,}'), 'syntax', 8, ''],
  ['single quotes', utf8("{'a':1}"), 'syntax', 1, ''],
  ['NaN', utf8('[NaN]'), 'syntax', 1, '/0'],
  ['leading zero', utf8('{"a":01}'), 'syntax', 6, '/a'],
  ['leading plus', utf8('+1'), 'syntax', 0, ''],
  ['no digit after the point', utf8('[1.]'), 'syntax', 2, '/0'],
  ['minus alone', utf8('[-]'), 'syntax', 1, '/0'],
  ['hexadecimal', utf8('[0x10]'), 'syntax', 2, '/0'],
  ['a raw line feed in a string', utf8('"a\nb"'), 'syntax', 2, ''],
  ['an escape of JavaScript', utf8('"\\x41"'), 'syntax', 1, ''],
  ['three hexadecimal digits', utf8('"\\u041"'), 'syntax', 1, ''],
  ['an open string', utf8('{"a":"b'), 'syntax', 7, '/a'],
  ['an open array', utf8('[1'), 'syntax', 2, '/0'],
  ['mismatched brackets', utf8('[1}'), 'syntax', 2, '/0'],
  ['a member twice: CVE-2017-12635', utf8('{"roles":[],"roles":["_admin"]}'), 'duplicate-key', 12, '/roles'],
  ['a member twice, once escaped', utf8('{"a":1,"\\u0061":2}'), 'duplicate-key', 7, '/a'],
  ['a member twice, deep', utf8('[{"x/y":{"b":1,"b":1}}]'), 'duplicate-key', 15, '/0/x~1y/b'],
  ['the empty name twice', utf8('{"":1,"":2}'), 'duplicate-key', 6, '/'],
  ['the first of twenty members twice', utf8(`{${many},"m0":1}`), 'duplicate-key', many.length + 2, '/m0'],
  ['the ninth of twenty members twice', utf8(`{${many},"m8":1}`), 'duplicate-key', many.length + 2, '/m8'],
  ['the last of twenty members twice', utf8(`{${many},"m19":1}`), 'duplicate-key', many.length + 2, '/m19'],
  ['one of twenty members twice, escaped', utf8(`{${many},"\\u006d19":1}`), 'duplicate-key', many.length + 2, '/m19'],
  ['__proto__', utf8('{"__proto__":{"admin":true}}'), 'forbidden-key', 1, '/__proto__'],
  ['__proto__, escaped', utf8('{"\\u005f_proto__":1}'), 'forbidden-key', 1, '/__proto__'],
  ['2^53', utf8('{"n":9007199254740992}'), 'unsafe-number', 5, '/n'],
  ['2^63: CVE-2025-11230', utf8('[9223372036854775808]'), 'unsafe-number', 1, '/0'],
  ['-2^53', utf8('-9007199254740993'), 'unsafe-number', 0, ''],
  ['2^53 + 1 with a fraction', utf8('9007199254740993.0'), 'unsafe-number', 0, ''],
  ['Infinity in disguise', utf8('1e400'), 'unsafe-number', 0, ''],
  ['Infinity with a capital E', utf8('1E400'), 'unsafe-number', 0, ''],
  ['Infinity behind a sign', utf8('-1E+309'), 'unsafe-number', 0, ''],
  ['zero with a capital E', utf8('1E-400'), 'unsafe-number', 0, ''],
  ['zero in disguise', utf8('1e-400'), 'unsafe-number', 0, ''],
  ['a fraction beyond the double', utf8('9.0000000000000001'), 'unsafe-number', 0, ''],
  ['many digits', utf8('0.1000000000000000055511151231257827'), 'unsafe-number', 0, ''],
  ['a high surrogate alone', utf8('{"a":"\\ud800"}'), 'lone-surrogate', 6, '/a'],
  ['a high surrogate alone, in capitals', utf8('{"a":"\\uD83D"}'), 'lone-surrogate', 6, '/a'],
  ['a low surrogate alone, in capitals', utf8('"\\uDE00"'), 'lone-surrogate', 1, ''],
  ['a low surrogate alone', utf8('"\\udc00"'), 'lone-surrogate', 1, ''],
  ['a pair the wrong way round', utf8('"\\udc00\\ud800"'), 'lone-surrogate', 1, ''],
  ['two high surrogates', utf8('"\\ud800\\ud800"'), 'lone-surrogate', 1, ''],
  ['a lone surrogate in a name', utf8('{"\\ud800":1}'), 'lone-surrogate', 2, ''],
];

for (const [what, bytes, code, offset, pointer] of refusals) {
  test(`refused: ${what}`, async (t) => {
    const reading = readStrictJson(bytes, limits);
    t.match(reading, { ok: false, problem: { code, offset, pointer } });
  });
}

const accepted: readonly string[] = [
  'null',
  ' [ ] ',
  '{ }',
  '"\\ud83d\\ude00 \\/"',
  '"\\uD83D\\uDE00"',
  '-0',
  '0.1',
  '1E+2',
  '5e-324',
  '1.7976931348623157e308',
  '1e23',
  '0.10000000000000001',
  '0.30000000000000004',
  '9007199254740991',
  '-9007199254740991',
  '19.99',
  '100.000000000000000',
  '{"constructor":1,"toString":2,"hasOwnProperty":3}',
  '"\u2028\uffff"',
  '[[],{},[{}],"",0]',
  '{"a":{"a":{"a":1}}}',
  `{${many}}`,
];

for (const text of accepted) {
  test(`accepted with the meaning of JSON.parse: ${encodeURI(text)}`, async (t) => {
    t.strictSame(readStrictJson(utf8(text), limits), { ok: true, value: JSON.parse(text) });
  });
}

test('constructor arrives as an own property', async (t) => {
  const reading = readStrictJson(utf8('{"constructor":{"prototype":{"x":1}}}'), limits);
  t.ok(reading.ok && Object.hasOwn(reading.value as object, 'constructor'));
  t.equal(({} as Record<string, unknown>)['x'], undefined);
});

test('a detail and a pointer never hold a value of the document', async (t) => {
  for (const text of ['{"a":"s3cret","a":1}', '["s3cret" s3cret]', '{"a":12345678901234567890}', '"s3cret\\x"']) {
    const reading = readStrictJson(utf8(text), limits);
    t.notOk(reading.ok);
    t.notMatch(JSON.stringify(reading), /s3cret|1234/);
  }
});

test('a pointer stays short whatever names the sender chose', async (t) => {
  const reading = readStrictJson(utf8(`{"a":{"${'b'.repeat(100_000)}":[1,}}`), limits);
  t.match(reading, { ok: false, problem: { code: 'syntax' } });
  t.ok(!reading.ok && reading.problem.pointer.length <= 512);
});

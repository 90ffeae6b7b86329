import { test } from 'tap';
import { readStrictJson } from '../../../policy/json/strict-json.ts';

const nested = (depth: number, open = '[', close = ']') => Buffer.from(open.repeat(depth) + close.repeat(depth));

test('the limit itself is allowed, one level more is not', async (t) => {
  t.ok(readStrictJson(nested(64), { maxDepth: 64 }).ok);
  t.match(readStrictJson(nested(65), { maxDepth: 64 }), { ok: false, problem: { code: 'too-deep', offset: 64 } });
  t.ok(readStrictJson(Buffer.from('1'), { maxDepth: 0 }).ok);
  t.notOk(readStrictJson(nested(1), { maxDepth: 0 }).ok);
});

test('objects count as arrays do', async (t) => {
  const reading = readStrictJson(Buffer.from('{"a":'.repeat(65)), { maxDepth: 64 });
  t.match(reading, { ok: false, problem: { code: 'too-deep', offset: 64 * 5, pointer: '/a'.repeat(64) } });
});

test('CVE-2026-48042: a million open brackets are refused at the limit, without a RangeError', async (t) => {
  const reading = readStrictJson(Buffer.from('['.repeat(1_000_000)), { maxDepth: 64 });
  t.match(reading, { ok: false, problem: { code: 'too-deep', offset: 64 } });
});

test('siblings do not add up to depth', async (t) => {
  t.ok(readStrictJson(Buffer.from(`[${Array(1000).fill('[[]]').join()}]`), { maxDepth: 3 }).ok);
});

test('no call frame is spent per level: even a limit of 20,000 reads', async (t) => {
  t.ok(readStrictJson(nested(20_000), { maxDepth: 20_000 }).ok);
});

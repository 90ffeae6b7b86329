import { test } from 'tap';
import { parseResult, readResult, resultText, writeResult } from '../../../bench/result-file.ts';
import { benchResult, benchSubject } from '../../harness/bench-result.ts';

const whole = resultText(benchResult());
const parsed = (text: string | Uint8Array) => parseResult(Buffer.from(text), 'a.json');
const refused = (message: RegExp) => ({ name: 'ProxyError', code: 'bench-result-invalid', message });

test('what was written is read', async (t) => {
  t.same(parsed(whole), benchResult());
  const file = `${t.testdir()}/a.json`;
  await writeResult(file, benchResult());
  t.same(await readResult(file), benchResult());
});

type Json = { [name: string]: Json } | Json[] | string | number | boolean | null;

/** Every place of a document, as the names and indices that lead to it. */
function places(value: Json, trail: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [[...trail]];
  const entries = Array.isArray(value)
    ? value.slice(0, 1).map((each, at) => [at, each] as const)
    : Object.entries(value);
  return [[...trail], ...entries.flatMap(([name, each]) => places(each, [...trail, name]))];
}

/** The document with something done to the value that holds the place. */
function changed(trail: readonly (string | number)[], change: (holder: Json, name: string | number) => void): string {
  const copy = JSON.parse(whole) as Json;
  const holder = trail.slice(0, -1).reduce((at, name) => (at as { [name: string]: Json })[name] as Json, copy);
  change(holder, trail.at(-1) ?? '');
  return JSON.stringify(copy);
}

test('no member may be missing, of another type, or unknown', async (t) => {
  const all = places(JSON.parse(whole) as Json).filter((trail) => trail.length > 0);
  t.ok(all.length > 40);
  for (const trail of all) {
    const name = trail.join('/');
    if (typeof trail.at(-1) === 'string') {
      const without = changed(trail, (holder, last) => delete (holder as { [name: string]: Json })[last]);
      t.throws(() => parsed(without), refused(/^a\.json: /), `without ${name}`);
    }
    const wrong = changed(trail, (holder, last) => {
      (holder as { [name: string]: Json })[last] = true;
    });
    t.throws(() => parsed(wrong), refused(/^a\.json: /), `${name} is a boolean`);
  }
  for (const trail of [['x'], ['machine', 'x'], ['subjects', 0, 'x'], ['subjects', 0, 'rounds', 0, 'x']]) {
    const more = changed(trail, (holder, last) => {
      (holder as { [name: string]: Json })[last] = 1;
    });
    t.throws(() => parsed(more), refused(/^a\.json: /), `with ${trail.join('/')}`);
  }
});

test('a truncated file is refused wherever it ends', async (t) => {
  const end = whole.trimEnd().length;
  for (let length = 0; length < end; length += Math.max(1, Math.floor(end / 60))) {
    t.throws(() => parsed(whole.slice(0, length)), refused(length === 0 ? /the file is empty/ : /not whole JSON/));
  }
});

test('what is not a result is refused with its reason', async (t) => {
  t.throws(() => parsed('not JSON'), refused(/not whole JSON.*byte 0/));
  t.throws(() => parsed('[]'), refused(/it has no "format"/));
  t.throws(() => parsed('{"a":1}'), refused(/it has no "format"/));
  t.throws(() => parsed(new Uint8Array([0xff, 0xfe])), refused(/UTF-8/));
  t.throws(() => parsed(whole.replace('portcullis-bench/1', 'portcullis-bench/2')), refused(/"portcullis-bench\/2"/));
  t.throws(() => parsed(whole.replace('"notes"', '"startedAt"')), refused(/not whole JSON/), 'a name twice');
  t.throws(() => parsed(whole.replace('"failures": 0', '"failures": -1')), refused(/\/subjects\/0\/rounds/));
  const twice = benchResult({ subjects: [benchSubject({}, 1), benchSubject({}, 2)] });
  t.throws(() => parsed(resultText(twice)), refused(/stands in it twice/));
});

test('a reason carries nothing of the file that a terminal obeys', async (t) => {
  const name = '\\u001b]0;owned\\u0007\\u202e';
  for (const text of [
    whole.replace('"notes"', `"${name}": 1, "notes"`),
    whole.replace('"notes"', `"${name}": 1, "${name}": 2, "notes"`),
    whole.replace('portcullis-bench/1', name),
  ]) {
    try {
      parsed(text);
      t.fail('refused');
    } catch (error) {
      t.notMatch(error instanceof Error && error.message, /[\p{Cc}\u202e]/u);
    }
  }
});

test('a file that is not there, or cannot be written, is named', async (t) => {
  await t.rejects(readResult('/nowhere/a.json'), { code: 'bench-result-unreadable', message: /a\.json.*ENOENT/ });
  await t.rejects(readResult(t.testdir()), { code: 'bench-result-unreadable', message: /EISDIR/ });
  await t.rejects(readResult('/dev/zero'), { code: 'bench-result-invalid', message: /more than 67108864 bytes/ });
  await t.rejects(writeResult('/nowhere/a.json', benchResult()), {
    code: 'bench-output-unwritable',
    message: /ENOENT/,
  });
});

import fc from 'fast-check';
import { test } from 'tap';
import { readStrictJson } from '../../../policy/json/strict-json.ts';

const limits = { maxDepth: 64 };
/** Pieces of JSON in any order. */
const soup = fc.string({
  unit: fc.constantFrom(...Array.from('[]{}:,"\\u0d8-1.eE+ tnaf'), 'true', 'null'),
  maxLength: 20,
});
const document = fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }).map((value) => JSON.stringify(value));

/** Accepted only with JSON.parse's own meaning; anything else is a refusal, never an exception. */
function agrees(bytes: Uint8Array): boolean {
  const reading = readStrictJson(bytes, limits);
  if (!reading.ok) return reading.problem.offset >= 0 && reading.problem.offset <= bytes.length;
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  return JSON.stringify(reading.value) === JSON.stringify(JSON.parse(text));
}

/** What JSON.stringify writes is refused for one of the reasons that JSON.parse does not know, or accepted. */
test('every document that JSON.stringify writes is accepted, or refused for a known reason', async (t) => {
  fc.assert(
    fc.property(document, (text) => {
      const reading = readStrictJson(Buffer.from(text), limits);
      if (reading.ok) return JSON.stringify(reading.value) === JSON.stringify(JSON.parse(text));
      return ['forbidden-key', 'unsafe-number', 'lone-surrogate'].includes(reading.problem.code);
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('any single changed byte is read as JSON.parse reads it, or refused', async (t) => {
  fc.assert(
    fc.property(document, fc.nat(), fc.nat({ max: 255 }), (text, at, byte) => {
      const bytes = Buffer.from(text);
      bytes[at % bytes.length] = byte;
      return agrees(bytes);
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('every single-byte change of one document, all of them', async (t) => {
  const original = Buffer.from('{"a":[1,-2.5e3,"\\u0061é\\ud83d\\ude00"],"b":{"c":null,"d":true},"e":false}');
  const wrong: string[] = [];
  for (let at = 0; at < original.length; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const bytes = Buffer.from(original);
      bytes[at] = byte;
      if (!agrees(bytes)) wrong.push(`${at}: ${byte}`);
    }
  }
  t.strictSame(wrong, []);
});

test('arbitrary bytes and arbitrary text never throw', async (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), agrees), { numRuns: 1000 });
  fc.assert(
    fc.property(soup, (text) => agrees(Buffer.from(text))),
    { numRuns: 3000 },
  );
  t.pass();
});

test('refused as syntax only when JSON.parse refuses too', async (t) => {
  fc.assert(
    fc.property(soup, (text) => {
      const reading = readStrictJson(Buffer.from(text), limits);
      if (reading.ok || reading.problem.code !== 'syntax') return true;
      try {
        JSON.parse(text);
        return false;
      } catch {
        return true;
      }
    }),
    { numRuns: 5000 },
  );
  t.pass();
});

test('a view into a larger buffer is read within its bounds', async (t) => {
  const whole = Buffer.from('xx{"a":1}yy');
  t.strictSame(readStrictJson(new Uint8Array(whole.buffer, whole.byteOffset + 2, 7), limits), {
    ok: true,
    value: { a: 1 },
  });
});

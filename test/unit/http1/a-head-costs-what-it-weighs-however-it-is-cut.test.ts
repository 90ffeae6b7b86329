import { test } from 'tap';
import { HeadReader } from '../../../proxy/http1/request-head.ts';
import { limits } from '../../fuzz/read-request.ts';

/** The bytes, telling each time one of them is looked at. */
function counting(bytes: Buffer, look: () => void): Buffer {
  return new Proxy(bytes, {
    get: (target, name) => {
      if (typeof name === 'string' && /^[0-9]+$/.test(name)) look();
      return Reflect.get(target, name, target) as unknown;
    },
  });
}

void test('a head that comes byte by byte is searched once, not once for each byte (THREATS 1.7)', (t) => {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(100)}\r\n`);
  const reader = new HeadReader(limits);
  let looks = 0;
  for (let length = 1; length < bytes.length; length += 1) {
    const buffer = counting(bytes.subarray(0, length), () => (looks += 1));
    if (reader.read(buffer) !== undefined) t.fail(`a head after ${length} bytes`);
  }
  t.equal(reader.read(bytes)?.bytes, bytes.length);
  // At each byte once, and behind the end of a line at the one before it.
  t.ok(looks >= bytes.length - 1 && looks < 1.5 * bytes.length, `${looks} looks at ${bytes.length} bytes`);
  t.end();
});

void test('both limits hold to the byte and to the line', (t) => {
  const line = 'GET / HTTP/1.1\r\n';
  const read = (text: string) => new HeadReader({ maxHeadBytes: 64, maxHeaders: 2 }).read(Buffer.from(text));
  t.equal(read(`${line}a: b\r\na: b\r\n\r\n`)?.bytes, line.length + 14, 'as many fields as allowed');
  const tooMany = { head: { code: 'too-many-headers' } };
  t.match(read(`${line}a: b\r\na: b\r\na: b\r\n`), tooMany, 'one more, before the end of the head');
  const fill = (total: number) => `${line}a: ${'b'.repeat(total - line.length - 7)}\r\n\r\n`;
  t.equal(read(fill(64))?.bytes, 64, 'as many bytes as allowed');
  const tooLarge = { head: { code: 'head-too-large' } };
  t.match(read(fill(65)), tooLarge);
  t.equal(read(`${line}a: ${'b'.repeat(64 - line.length - 3)}`), undefined, '64 bytes without an end');
  t.match(read(`${line}a: ${'b'.repeat(65 - line.length - 3)}`), tooLarge);
  t.end();
});

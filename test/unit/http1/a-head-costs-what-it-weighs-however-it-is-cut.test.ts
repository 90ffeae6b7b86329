import { test } from 'tap';
import { headSearch } from '../../../proxy/http1/request-head.ts';
import { limits } from '../../fuzz/read-request.ts';

/** A buffer that adds up how many bytes were searched in it. */
function counting(bytes: Buffer, add: (searched: number) => void): Buffer {
  const copy = Buffer.from(bytes);
  copy.indexOf = (value: number, from = 0) => {
    const found = Buffer.prototype.indexOf.call(copy, value, from);
    add((found === -1 ? copy.length : found + 1) - Number(from));
    return found;
  };
  return copy;
}

void test('a head that comes byte by byte is searched once, not once for each byte (THREATS 1.7)', (t) => {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(100)}\r\n`);
  const search = headSearch(limits);
  let searched = 0;
  for (let length = 1; length < bytes.length; length += 1) {
    const buffer = counting(bytes.subarray(0, length), (count) => {
      searched += count;
    });
    t.equal(search(buffer), 'more');
  }
  t.equal(search(bytes), bytes.length);
  t.ok(searched <= bytes.length, `searched ${searched} of ${bytes.length} bytes`);
  t.end();
});

void test('both limits hold to the byte and to the line', (t) => {
  const line = 'GET / HTTP/1.1\r\n';
  const search = (text: string) => headSearch({ maxHeadBytes: 64, maxHeaders: 2 })(Buffer.from(text));
  t.equal(search(`${line}a: b\r\na: b\r\n\r\n`), line.length + 14, 'as many fields as allowed');
  t.match(
    search(`${line}a: b\r\na: b\r\na: b\r\n`),
    { code: 'too-many-headers' },
    'one more, before the end of the head',
  );
  const fill = (total: number) => `${line}a: ${'b'.repeat(total - line.length - 7)}\r\n\r\n`;
  t.equal(search(fill(64)), 64, 'as many bytes as allowed');
  t.match(search(fill(65)), { code: 'head-too-large' });
  t.equal(search(`${line}a: ${'b'.repeat(64 - line.length - 3)}`), 'more', '64 bytes without an end');
  t.match(search(`${line}a: ${'b'.repeat(65 - line.length - 3)}`), { code: 'head-too-large' });
  t.end();
});

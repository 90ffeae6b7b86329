import fc from 'fast-check';
import { bytesOf, loadVectors } from './http1-vectors.ts';

/** Requests to start from: every vector of moderate size, and some that are plainly good, so that many mutants are too. */
export const good: readonly string[] = [
  'GET /a/b?c=d HTTP/1.1\r\nHost: localhost:80\r\nAccept: */*\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\nContent-Type: text/plain\r\n\r\nhello world',
  'PUT /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
  'PATCH /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\nHost: localhost\r\n\r\nb\r\nhello world\r\n0\r\nX-A: b\r\n\r\n',
  'DELETE /a HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: keep-alive, X-A\r\nX-A:\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx',
  'OPTIONS /%C3%A9/~a HTTP/1.1\r\nhost: a.example\r\nX-B: \t"c", d;e=f \t\r\nConnection: close\r\n\r\n',
];

const vectors = loadVectors()
  .flatMap((group) => group.vectors.map((vector) => bytesOf(vector).toString('latin1')))
  .filter((text) => text.length < 600);

/** What parsers stumble over. */
export const fragments: readonly string[] = [
  ...String.raw`: ; , " / // /../ %2e % # ? * @ \ _ - + 0 00 0x 1 5 f F HTTP/1.1 HTTP/1.0 QUERY`.split(' '),
  ...Array.from('\r\n \t\0\x0b\x0c\x7f\x80\xa0\xff'),
  '\r\n',
  '\r\n\r\n',
  '\r\n ',
  'GET ',
  'HEAD ',
  'POST ',
  'Host: localhost\r\n',
  'Host:a\r\n',
  'Content-Length: 5\r\n',
  'Content-Length:0\r\n',
  'Content-Length: 5 \r\n',
  'Transfer-Encoding: chunked\r\n',
  'transfer-encoding:chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'TE: trailers\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\n',
  'Upgrade: h2c\r\n',
  'Expect: 100-continue\r\n',
  'X: \r\n',
  'X:\t y\r\n',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  '5;a=b\r\n',
  '000\r\n',
  '\r\nX-T: u\r\n',
];

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const mutation = fc.oneof(
  fc.record({ at: place, drop: fc.constant(0), add: fc.constantFrom(...fragments) }),
  fc.record({ at: place, drop: fc.integer({ min: 1, max: 12 }), add: fc.constantFrom('', ...fragments) }),
  fc.record({
    at: place,
    drop: fc.constant(1),
    add: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  }),
);
const wholeLine = fc.record({ from: place, to: place });

/** A message with up to four accidents: bytes dropped, added and exchanged, lines repeated elsewhere. */
export function mutantsOf(plain: readonly string[], odd: readonly string[]): fc.Arbitrary<Buffer> {
  return fc
    .tuple(
      fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...plain) }, { weight: 1, arbitrary: fc.constantFrom(...odd) }),
      fc.array(wholeLine, { maxLength: 1 }),
      fc.array(mutation, { maxLength: 3 }),
    )
    .map(([text, lines, mutations]) => Buffer.from(mutations.reduce(mutate, lines.reduce(repeatLine, text)), 'latin1'));
}

/** Requests, hardly any of them good. */
export const mutants: fc.Arbitrary<Buffer> = mutantsOf(good, vectors);

function mutate(text: string, { at, drop, add }: { at: number; drop: number; add: string }): string {
  const index = Math.floor(at * text.length);
  return text.slice(0, index) + add + text.slice(index + drop);
}

function repeatLine(text: string, { from, to }: { from: number; to: number }): string {
  const lines = text.split('\r\n');
  const line = lines[Math.floor(from * lines.length)] ?? '';
  return lines.toSpliced(Math.floor(to * lines.length), 0, line).join('\r\n');
}

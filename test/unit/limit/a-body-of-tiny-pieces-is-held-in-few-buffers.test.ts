import fc from 'fast-check';
import { test } from 'tap';
import { bodyPieces } from '../../../proxy/body-pieces.ts';
import { countHeldBytes } from '../../../proxy/limit/held-bytes.ts';
import { readBody } from '../../../proxy/read-body.ts';

const room = 1 << 20;

function held(pieces: readonly Buffer[], maxBytes = room): readonly Buffer[] {
  const { add, all } = bodyPieces(maxBytes);
  for (const piece of pieces) add(piece);
  return all();
}

/** As a body is collected that comes in these pieces. */
function collected(pieces: readonly Buffer[], maxBytes = room) {
  const hold = countHeldBytes(() => maxBytes).hold();
  const stop = () => undefined;
  return readBody(
    {
      consume: ({ chunk, end }) => {
        for (const piece of pieces) chunk(piece);
        end();
      },
    },
    { maxBytes, tooLarge: 'body-too-large', hold, stop },
  );
}

function cut(whole: Buffer, lengths: readonly number[]): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(whole.subarray(at, at + length));
    at += length;
  }
  return [...pieces, whole.subarray(at)];
}

const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
const capacity = (buffers: readonly Buffer[]) =>
  [...new Set(buffers.slice(1).map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);

void test('a body of one-byte pieces takes few buffers, and little more memory than it has bytes', (t) => {
  for (const maxBytes of [bytes.length, room]) {
    const buffers = held(
      Array.from(bytes, (_, index) => bytes.subarray(index, index + 1)),
      maxBytes,
    );
    t.ok(Buffer.concat(buffers).equals(bytes));
    t.ok(buffers.length < 16, `${buffers.length} buffers`);
    t.ok(capacity(buffers) <= bytes.length + 65_536, `${capacity(buffers)} bytes`);
    t.ok(capacity(buffers) <= maxBytes, 'no room is made for what may not come');
  }
  t.end();
});

void test('tiny pieces between large ones go on in the same block', (t) => {
  const pieces = Array.from({ length: 20 }, (_, index) => Buffer.alloc(index % 2 === 0 ? 5000 : 1, index));
  const buffers = held(pieces);
  t.ok(Buffer.concat(buffers).equals(Buffer.concat(pieces)));
  t.equal(new Set(buffers.filter(({ length }) => length === 1).map(({ buffer }) => buffer)).size, 1);
  t.ok(
    pieces.every((piece) => piece.length === 1 || buffers.includes(piece)),
    'and no large one is copied',
  );
  t.end();
});

void test('a body in one piece is that piece', (t) => {
  for (const piece of [Buffer.from('x'), bytes]) t.equal(collected([piece]), piece);
  t.end();
});

void test('the same bytes come out for every split', (t) => {
  const length = fc.oneof(fc.nat(3), fc.nat(2000), fc.integer({ min: 4090, max: 4100 }), fc.nat(70_000));
  fc.assert(
    fc.property(fc.array(length, { maxLength: 60 }), fc.nat(bytes.length), (lengths, size) => {
      const whole = bytes.subarray(0, size);
      const outcome = collected(cut(whole, lengths), size);
      return Buffer.isBuffer(outcome) && outcome.equals(whole);
    }),
  );
  t.pass();
  t.end();
});

import { below, oneOf, type Random } from '../../harness/random.ts';

const names = [
  'accept',
  'accept-encoding',
  'authorization',
  'cache-control',
  'cookie',
  'if-none-match',
  'user-agent',
  'x-request-id',
  'x-b3-traceid',
  'traceparent',
  'via',
  'x',
] as const;

const values = ['', '*/*', 'gzip, deflate', 'no-cache', '0', 'curl/8.9.1', 'W/"5f1e"', 'a=b; c=d'] as const;

/** Visible ASCII, space and tab, and all octets above: what nghttp2 lets into a value. */
const octets = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter((one) =>
  /[\t -~\x80-\xff]/.test(one),
);

function text(random: Random, alphabet: readonly string[], length: number): string {
  // nghttp2 refuses white space at both ends (RFC 9113 section 8.2.1).
  return Array.from({ length }, () => oneOf(random, alphabet))
    .join('')
    .trim();
}

const nameCharacters = Array.from("abcdefghijklmnopqrstuvwxyz0123456789-_.!#$%&'*+^`|~");

const valueCharacters = [...nameCharacters, ...Array.from(' /=;,"ABCXYZ')];

function name(random: Random): string {
  return below(random, 4) === 0 ? `x-${text(random, nameCharacters, 1 + below(random, 30))}` : oneOf(random, names);
}

function value(random: Random): string {
  const kind = below(random, 10);
  if (kind < 5) return oneOf(random, values);
  if (kind < 8) return text(random, valueCharacters, below(random, 60));
  // Many short codes around the rare characters, so that the Huffman code is the shorter one and gets used.
  return `a${text(random, octets, below(random, 8))}${'e'.repeat(below(random, 200))}`;
}

/** Name, value, name, value: fields that often come again, and some that never do. */
export function randomFields(random: Random, count: number): string[] {
  return Array.from({ length: count }, () => [name(random), value(random)]).flat();
}

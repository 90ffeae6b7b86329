import fc from 'fast-check';
import { test } from 'tap';
import { CertsError } from '../../../certs/errors.ts';
import { parseSpiffeId, parseTrustDomain, pathOf, trustDomainOf } from '../../../certs/spiffe-id.ts';

const trustDomainChars = 'abcdefghijklmnopqrstuvwxyz0123456789.-_';
const pathChars = `${trustDomainChars}ABCDEFGHIJKLMNOPQRSTUVWXYZ`;

function accepts(text: string): boolean {
  try {
    return parseSpiffeId(text) === text;
  } catch (error) {
    if (error instanceof CertsError && error.code === 'spiffe-id-invalid') return false;
    throw error;
  }
}

test('each of the 256 characters is judged alike in the trust domain, whatever its place', (t) => {
  for (let code = 0; code < 256; code++) {
    const char = String.fromCharCode(code);
    const allowed = trustDomainChars.includes(char);
    t.equal(accepts(`spiffe://${char}td/x`), allowed, `first ${code}`);
    t.equal(accepts(`spiffe://t${char}d`), allowed || char === '/', `inner ${code}`);
    t.equal(accepts(`spiffe://td${char}`), allowed, `last ${code}`);
  }
  t.end();
});

test('each of the 256 characters is judged alike in the path, whatever its place', (t) => {
  for (let code = 0; code < 256; code++) {
    const char = String.fromCharCode(code);
    const allowed = pathChars.includes(char);
    t.equal(accepts(`spiffe://td/${char}a`), allowed, `first ${code}`);
    t.equal(accepts(`spiffe://td/a${char}b`), allowed || char === '/', `inner ${code}`);
    t.equal(accepts(`spiffe://td/a${char}`), allowed, `last ${code}`);
  }
  t.end();
});

test('what a URL parser would repair is refused', (t) => {
  const refused = [
    '',
    'spiffe://',
    'spiffe:///a',
    'spiffe:/td/a',
    'SPIFFE://td/a',
    'Spiffe://td/a',
    ' spiffe://td/a',
    'spiffe://td/a\n',
    'https://td/a',
    'spiffe://TD/a',
    'spiffe://td/',
    'spiffe://td/a/',
    'spiffe://td//a',
    'spiffe://td/a//b',
    'spiffe://td/.',
    'spiffe://td/..',
    'spiffe://td/a/./b',
    'spiffe://td/a/../b',
    'spiffe://td/%61',
    'spiffe://td/a?q',
    'spiffe://td/a#f',
    'spiffe://td:80/a',
    'spiffe://user@td/a',
    'spiffe://[::1]/a',
    'spiffe://td\\a',
    'spiffe://td/a\0b',
    'spiffe://tđ/a',
    'spiffe://td/\u{1f600}',
  ];
  for (const text of refused) t.notOk(accepts(text), JSON.stringify(text));
  for (const text of ['spiffe://td', 'spiffe://td/...', 'spiffe://td/.a', 'spiffe://1.2.3.4/A/b-_.C']) {
    t.ok(accepts(text), text);
  }
  t.end();
});

test('length limits are 2048 bytes for the ID and 255 for the trust domain', (t) => {
  const longest = `spiffe://td/${'a'.repeat(2048 - 12)}`;
  t.ok(accepts(longest));
  t.notOk(accepts(`${longest}a`));
  t.ok(accepts(`spiffe://${'a'.repeat(255)}/x`));
  t.notOk(accepts(`spiffe://${'a'.repeat(256)}/x`));
  t.end();
});

test('a trust domain is the name alone', (t) => {
  t.equal(parseTrustDomain('shop.example'), 'shop.example');
  for (const text of ['', 'Shop', 'spiffe://shop', 'shop/a', 'shop:1', 'a'.repeat(256)]) {
    t.throws(() => parseTrustDomain(text), { code: 'trust-domain-invalid' }, JSON.stringify(text));
  }
  t.end();
});

test('an accepted ID is the concatenation of its parts', (t) => {
  const name = fc.string({ unit: fc.constantFrom(...trustDomainChars.split('')), minLength: 1, maxLength: 40 });
  const segment = fc
    .string({ unit: fc.constantFrom(...pathChars.split('')), minLength: 1, maxLength: 20 })
    .filter((text) => text !== '.' && text !== '..');
  fc.assert(
    fc.property(name, fc.array(segment, { maxLength: 5 }), (trustDomain, segments) => {
      const path = segments.map((text) => `/${text}`).join('');
      const id = parseSpiffeId(`spiffe://${trustDomain}${path}`);
      return trustDomainOf(id) === trustDomain && pathOf(id) === path;
    }),
  );
  t.end();
});

test('an error message never carries control characters of what it refuses', (t) => {
  t.throws(() => parseSpiffeId('spiffe://td/\u001b[31m\nfake log line'), {
    message: /^SPIFFE ID "spiffe:\/\/td\/\\u001b\[31m\\nfake log line": "\\u001b" is not allowed in a path$/,
  });
  t.end();
});

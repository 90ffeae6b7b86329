import { createHash } from 'node:crypto';
import { test } from 'tap';
import { parseDenylist, readDenylist } from '../../../certs/denylist.ts';
import { isHandshakeRefusal } from '../../../certs/handshake-refusal.ts';
import { judgePeer, stillValid } from '../../../certs/peer.ts';
import { readTrustBundle } from '../../../certs/trust-bundle.ts';
import { makePki } from '../../pki/pki.ts';

const key = 'ab'.repeat(32);

void test('every line that is not one of the four kinds is a problem with its place', async (t) => {
  const bad: readonly (readonly [line: string, column: number, message: RegExp])[] = [
    ['spiffe-id', 10, /has no value/],
    ['spiffe-id # why', 11, /has no value/],
    ['  spiffe-id https://a/b', 13, /does not start with spiffe/],
    ['spiffe-id spiffe://a.b/c/', 11, /trailing slash/],
    ['spiffe-id spiffe://a.b/c spiffe://a.b/d', 11, /not allowed in a path/],
    ['spiffe-prefix spiffe://a.b/c', 15, /does not end with/],
    ['spiffe-prefix /', 15, /does not start with spiffe/],
    ['serial 0A', 8, /name of the issuer/],
    ['serial xyz CN=a', 8, /hexadecimal/],
    [`key-sha256 ${key}0`, 12, /64 digits/],
    ['key-sha256 abcd', 12, /64 digits/],
    ['SPIFFE-ID spiffe://a.b/c', 1, /unknown; allowed: spiffe-id, spiffe-prefix, serial, key-sha256/],
    ['toString x', 1, /unknown/],
    ['spiffe-id spiffe://a.b/\u00e9', 24, /ASCII/],
    ['\ufeffspiffe-id spiffe://a.b/c', 1, /ASCII/],
  ];
  const { entries, problems } = parseDenylist(['# first', ...bad.map(([line]) => line)].join('\r\n'));
  t.same(entries, []);
  for (const [index, [line, column, message]] of bad.entries())
    t.match(problems[index], { line: index + 2, column, message }, line);
  t.throws(() => readDenylist({ file: 'list', text: '\nx' }), { code: 'denylist-invalid', message: /^list:2:1: / });
});

void test('comments, blank lines and spellings of hexadecimal make no difference', async (t) => {
  const colons = key.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:');
  const text = [
    '',
    '# x',
    '\t#x',
    `key-sha256 ${colons}#not a reason`,
    `key-sha256 ${colons} # why`,
    'serial 00:0a CN=a # b',
  ];
  const { entries, problems } = parseDenylist(text.join('\n'));
  t.match(problems, [{ line: 4, column: 12 }]);
  t.match(entries, [
    { kind: 'key-sha256', key },
    { kind: 'serial', key: '0A CN=a' },
  ]);
});

void test('the key or serial of an issuer refuses all that it has signed, now and on open connections', async (t) => {
  const pki = await makePki({ trustDomain: 'shop.example' });
  const { chainDer } = await pki.issue();
  const trust = readTrustBundle(pki.trust);
  const peer = judgePeer(chainDer, null, trust, pki.nowMs);
  if (isHandshakeRefusal(peer)) throw new Error(peer.detail);
  const { openssl, serial, issuer } = pki.intermediate.certificate;
  const digest = createHash('sha256')
    .update(openssl.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  for (const text of [`key-sha256 ${digest}`, `serial ${serial} ${issuer}`]) {
    const listing = readTrustBundle(pki.trust, { file: 'list', text });
    t.match(judgePeer(chainDer, null, listing, pki.nowMs), { refused: 'denylisted' });
    t.match(stillValid(peer, listing, pki.nowMs), { reason: 'revoked', detail: /line 1/ });
    t.equal(stillValid(peer, trust, pki.nowMs), undefined, 'and is good again when the line is gone');
  }
});

void test('a revocation list that goes out of date ends what relied on it, under the same trust', async (t) => {
  const pki = await makePki({ trustDomain: 'shop.example' });
  const { chainDer } = await pki.issue();
  const trust = readTrustBundle(pki.trustWith(await pki.crl([], { nextUpdateMs: pki.nowMs + 60_000 })));
  const peer = judgePeer(chainDer, null, trust, pki.nowMs);
  if (isHandshakeRefusal(peer)) throw new Error(peer.detail);
  t.equal(stillValid(peer, trust, pki.nowMs + 59_000), undefined);
  t.match(stillValid(peer, trust, pki.nowMs + 61_000), { reason: 'untrusted', detail: /no current CRL/ });
});

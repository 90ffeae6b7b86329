import { KeyObject, sign, X509Certificate } from 'node:crypto';
import { test } from 'tap';
import { readCrls, revokedSerials } from '../../../certs/crl.ts';
import { encodeDer, encodeOid } from '../../../certs/der.ts';
import { isHandshakeRefusal } from '../../../certs/handshake-refusal.ts';
import { nameKey } from '../../../certs/name.ts';
import { isSignedBy } from '../../../certs/path.ts';
import { readIssuedLists, readListIssuers } from '../../../certs/issued-lists.ts';
import { judgePeer, stillValid } from '../../../certs/peer.ts';
import { signCrl } from '../../../certs/sign-crl.ts';
import { readTrustBundle } from '../../../certs/trust-bundle.ts';
import { authorityPem, makeAuthority } from '../../pki/authority.ts';
import { makePki, pkiOf } from '../../pki/pki.ts';

const pki = await makePki({ trustDomain: 'shop.example' });
const foreign = await makePki({ trustDomain: 'shop.example' });
const { intermediate, nowMs } = pki;
const hour = 3_600_000;

const seq = (...parts: readonly Uint8Array[]) => encodeDer(0x30, ...parts);
const int = (hex: string) => encodeDer(0x02, Buffer.from(hex, 'hex'));
const at = (timeMs: number) =>
  encodeDer(
    0x17,
    Buffer.from(
      new Date(timeMs)
        .toISOString()
        .slice(2)
        .replaceAll(/[-T:]|\.\d+/g, ''),
    ),
  );
const ecdsaSha256 = seq(encodeOid('1.2.840.10045.4.3.2'));
const version = int('01');
const issuer = intermediate.certificate.subjectDer;
const update = [at(nowMs - 60_000), at(nowMs + hour)];
const entry = (hex: string, ...more: readonly Uint8Array[]) => seq(int(hex), at(nowMs - 60_000), ...more);
const extension = (oid: string, isCritical: boolean) =>
  seq(encodeOid(oid), ...(isCritical ? [encodeDer(0x01, Buffer.from([0xff]))] : []), encodeDer(0x04, int('00')));

/** Signed by the CA, whatever it is. */
function list(parts: readonly Uint8Array[], outer: Uint8Array = ecdsaSha256): Buffer {
  const signed = seq(...parts);
  const signature = sign('sha256', signed, KeyObject.from(intermediate.key.privateKey));
  return seq(signed, outer, encodeDer(0x03, Buffer.from([0]), signature));
}

test('what is not exactly a list is refused by name', (t) => {
  const good = list([version, ecdsaSha256, issuer, ...update, seq(entry('1234'))]);
  t.same(readCrls(good).map(revokedSerials), [['1234']]);
  const long = Buffer.concat([good.subarray(0, 1), Buffer.from([0x83, 0]), good.subarray(2)]);
  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['nothing', new Uint8Array(), /no readable X509 CRL/],
    ['text', Buffer.from('<html>503</html>'), /no readable X509 CRL/],
    ['a certificate', new X509Certificate(authorityPem(intermediate)).raw, /not a readable revocation list/],
    ['cut short', good.subarray(0, -1), /cut short/],
    ['bytes behind', Buffer.concat([good, Buffer.from([0])]), /./],
    ['a length that is not DER', long, /./],
    ['an indefinite length', Buffer.concat([Buffer.from([0x30, 0x80]), good.subarray(4), Buffer.alloc(2)]), /./],
    ['no nextUpdate', list([version, ecdsaSha256, issuer, at(nowMs)]), /no nextUpdate/],
    [
      'a time with an offset',
      list([version, ecdsaSha256, issuer, at(nowMs), encodeDer(0x17, Buffer.from('2611221000+0100'))]),
      /time/,
    ],
    [
      'another algorithm outside',
      list([version, ecdsaSha256, issuer, ...update], seq(encodeOid('1.3.101.112'))),
      /two signature/,
    ],
    ['version 3', list([int('02'), ecdsaSha256, issuer, ...update]), /version/],
    ['an entry without a date', list([version, ecdsaSha256, issuer, ...update, seq(seq(int('01')))]), /an entry/],
    [
      'a serial of 21 bytes',
      list([version, ecdsaSha256, issuer, ...update, seq(entry('01'.repeat(21)))]),
      /more than 20/,
    ],
    [
      'an entry of another issuer',
      list([version, ecdsaSha256, issuer, ...update, seq(entry('01', seq(extension('2.5.29.29', true))))]),
      /critical extension 2\.5\.29\.29/,
    ],
    [
      'a delta list',
      list([version, ecdsaSha256, issuer, ...update, encodeDer(0xa0, seq(extension('2.5.29.27', true)))]),
      /critical extension 2\.5\.29\.27/,
    ],
    [
      'two lists of entries',
      list([version, ecdsaSha256, issuer, ...update, seq(entry('01')), seq(entry('02'))]),
      /parts/,
    ],
  ];
  for (const [what, bytes, says] of cases) {
    t.throws(() => readCrls(bytes), { code: 'revocation-list-invalid', message: says }, what);
  }
  const optional = [encodeDer(0xa0, seq(extension('2.5.29.20', false)))];
  t.same(readCrls(list([version, ecdsaSha256, issuer, ...update, ...optional])).map(revokedSerials), [[]]);
  t.same(readCrls(list([ecdsaSha256, issuer, ...update])).map(revokedSerials), [[]], 'version 1');
  t.end();
});

test('every cut and every flipped byte is refused or fails its signature', (t) => {
  const good = list([version, ecdsaSha256, issuer, ...update, seq(entry('1234'), entry('00FF'))]);
  for (let index = 0; index < good.length; index++) {
    t.throws(() => readCrls(good.subarray(0, index)), { code: 'revocation-list-invalid' });
    const bytes = Buffer.from(good);
    bytes[index] = (bytes[index] ?? 0) ^ 0x10;
    try {
      t.notOk(
        readCrls(bytes).some((crl) => isSignedBy(crl, intermediate.certificate)),
        `byte ${index}`,
      );
    } catch (error) {
      t.match(error, { code: 'revocation-list-invalid' });
    }
  }
  t.end();
});

test('a list decides for the issuer that signed it, and refuses where it cannot be relied on', async (t) => {
  const leaf = await pki.issue();
  const judge = (lists: Parameters<typeof readTrustBundle>[2], atMs = nowMs) => {
    const judged = judgePeer(leaf.chainDer, null, readTrustBundle(pki.trust, undefined, lists), atMs);
    return isHandshakeRefusal(judged) ? judged : 'accepted';
  };
  const from = (...pems: readonly string[]) => [
    { source: 'x', issuers: [], crls: pems.flatMap((pem) => readCrls(Buffer.from(pem))) },
  ];
  const [others, its] = [await pki.crl(['0A']), await pki.crl([leaf.serial])];
  t.equal(judge([]), 'accepted');
  t.equal(judge(from(others)), 'accepted');
  t.match(judge(from(its)), { refused: 'revoked', detail: new RegExp(`serial ${leaf.serial} is revoked by`) });
  t.match(judge(from(others, its)), { refused: 'revoked' }, 'one of several');
  const awaited = (name: string) => [{ source: 'https://pki.example/ca.crl', issuers: [name], crls: undefined }];
  t.match(judge(awaited(intermediate.certificate.subjectName)), {
    refused: 'revocation-unknown',
    detail: /^the list of CN=.* has not come from https:\/\/pki\.example\/ca\.crl yet$/,
  });
  t.equal(judge(awaited(foreign.root.certificate.subjectName.replace('root', 'other'))), 'accepted', 'of others');
  const short = await pki.crl([], { nextUpdateMs: nowMs + 1000 });
  t.match(judge(from(short), nowMs + 2000), { refused: 'revocation-unknown', detail: /the last ended/ });
  const forged = await foreign.crl([], { as: intermediate });
  t.match(judge(from(forged)), { refused: 'revocation-unknown', detail: /no current CRL signed by/ });
  t.equal(judge(from(forged, others)), 'accepted', 'beside a good one it changes nothing');
  const ofRoot = await pki.crl([intermediate.certificate.serial], { by: pki.root });
  t.match(judge(from(ofRoot)), { refused: 'revoked' }, 'an intermediate');

  // On an open connection: a list that comes, and one that ends.
  const peer = judgePeer(leaf.chainDer, null, readTrustBundle(pki.trust), nowMs);
  if (isHandshakeRefusal(peer)) return void t.fail('refused');
  t.match(stillValid(peer, readTrustBundle(pki.trust, undefined, from(its)), nowMs), { reason: 'revoked' });
  const ending = readTrustBundle(pki.trust, undefined, from(short));
  t.equal(stillValid(peer, ending, nowMs), undefined);
  t.match(stillValid(peer, ending, nowMs + 2000), { reason: 'untrusted', detail: /no current CRL/ });
});

test('a list of one domain says nothing of another whose root has its name', async (t) => {
  const domains = await Promise.all(
    ['one.example', 'other.example'].map(async (trustDomain) => {
      const root = await makeAuthority({ name: 'root', nowMs });
      return pkiOf({ trustDomain, nowMs, root, intermediate: root });
    }),
  );
  const [one, other] = domains;
  if (one === undefined || other === undefined) return;
  const [mine, theirs] = await Promise.all(domains.map((domain) => domain.issue({ presented: [] })));
  const crls = readCrls(Buffer.from(await one.crl([mine?.serial ?? ''])));
  const trust = readTrustBundle([...one.trust, ...other.trust], undefined, [{ source: 'x', issuers: [], crls }]);
  t.match(judgePeer(mine?.chainDer ?? [], null, trust, nowMs), { refused: 'revoked' });
  t.match(judgePeer(theirs?.chainDer ?? [], null, trust, nowMs), { trustDomain: 'other.example' });
});

test('a source has the lists of its issuers, all of them and no other', async (t) => {
  const issuers = readListIssuers(authorityPem(intermediate));
  const read = (...pems: readonly string[]) => readIssuedLists(Buffer.from(pems.join('')), issuers).length;
  const [its, ofRoot] = [await pki.crl([]), await pki.crl([], { by: pki.root })];
  const forged = await foreign.crl([], { as: intermediate });
  t.equal(read(its), 1);
  for (const others of [[ofRoot], [forged], [its, ofRoot], [its, forged], []]) {
    t.throws(() => read(...others), { code: 'revocation-list-invalid' });
  }
  const both = readListIssuers(authorityPem(intermediate) + authorityPem(pki.root));
  t.throws(() => readIssuedLists(Buffer.from(its), both), { message: /no list signed by CN=shop\.example root/ });
  t.equal(readIssuedLists(Buffer.from(its + ofRoot), both).length, 2);
  t.throws(() => readListIssuers(''), { code: 'revocation-list-invalid' });
  const mute = await makeAuthority({ name: 'mute', nowMs, keyUsage: 32 });
  t.throws(() => readListIssuers(authorityPem(mute)), { message: /cRLSign/ });
});

test('lists of the local CA have no length that they cannot have', async (t) => {
  const serial = (index: number) => `4${index.toString(16).toUpperCase().padStart(31, '0')}`;
  const revoked = Array.from({ length: 4000 }, (_, index) => ({ serial: serial(index), atMs: nowMs }));
  const request = { issuer: intermediate.certificate, thisUpdateMs: nowMs, nextUpdateMs: nowMs + hour, revoked };
  const [crl] = readCrls(Buffer.from(await signCrl(request, intermediate.key)));
  t.same(
    crl && revokedSerials(crl),
    revoked.map((one) => one.serial),
  );
});

test('a hundred thousand certificates: 20 bytes for each, and each is found', async (t) => {
  const count = 100_000;
  const leaf = await pki.issue();
  // By hand, because the encoder would take longer than everything else here.
  const rows = Buffer.alloc(count * 33);
  const row = entry(`40${'00'.repeat(13)}`);
  for (let index = 0; index < count; index++) {
    row.copy(rows, index * row.length);
    rows.writeUInt32BE(index, index * row.length + 6);
  }
  const entries = encodeDer(0x30, rows.subarray(0, count * row.length), entry(leaf.serial));
  const crls = readCrls(list([version, ecdsaSha256, issuer, ...update, entries]));
  t.equal(crls[0]?.serials.byteLength, 20 * (count + 1));
  const trust = readTrustBundle(pki.trust, undefined, [{ source: 'x', issuers: [], crls }]);
  t.match(judgePeer(leaf.chainDer, null, trust, nowMs), { refused: 'revoked' });
  t.match(judgePeer((await pki.issue()).chainDer, null, trust, nowMs), { spiffeId: /^spiffe:/ });
});

test('names that RFC 5280 calls equal are equal', (t) => {
  const name = (tag: number, text: Buffer) =>
    nameKey(seq(encodeDer(0x31, seq(encodeOid('2.5.4.3'), encodeDer(tag, text)))));
  const plain = name(0x0c, Buffer.from('Shop Root CA'));
  t.equal(name(0x13, Buffer.from('shop  root ca ')), plain);
  t.equal(name(0x1e, Buffer.from('Shop Root CA', 'utf16le').swap16()), plain);
  t.not(name(0x0c, Buffer.from('Shop Root CB')), plain);
  t.not(nameKey(seq()), plain);
  t.end();
});

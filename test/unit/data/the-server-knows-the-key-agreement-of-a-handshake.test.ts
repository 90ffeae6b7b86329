import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { type Test, test } from 'tap';
import { keyAgreementGroup } from '../../../proxy/data/key-agreement.ts';
import { secureContext } from '../../../proxy/data/tls-options.ts';
import { throwAwayIdentity } from '../../../proxy/fips/self-check.ts';

const identity = await throwAwayIdentity(Date.now());

/** Both ends of one handshake in memory, with the options that serve. */
async function shakenHands(t: Test, ecdhCurve: string) {
  const [here, there] = duplexPair();
  const server = { isServer: true, secureContext: createSecureContext(secureContext(identity, [], 'strong')) };
  const accepting = new TLSSocket(here, server);
  const asking = connect({ socket: there, rejectUnauthorized: false, ecdhCurve });
  t.teardown(() => [accepting, asking].forEach((socket) => socket.destroy()));
  await Promise.all([once(accepting, 'secure'), once(asking, 'secureConnect')]);
  return { accepting, asking };
}

const agreed: readonly (readonly [offered: string, ours: string, clients: string])[] = [
  ['X25519MLKEM768', 'X25519MLKEM768', 'X25519MLKEM768'],
  ['X25519', 'x25519', 'X25519'],
  ['P-256', 'secp256r1', 'prime256v1'],
  ['P-384', 'secp384r1', 'secp384r1'],
  // The client has to send a second key share (HelloRetryRequest, RFC 8446 4.1.4), and it is the one that counts.
  ['P-521:P-384', 'secp384r1', 'secp384r1'],
  ['X25519:X25519MLKEM768', 'X25519MLKEM768', 'X25519MLKEM768'],
];

for (const [offered, ours, clients] of agreed) {
  void test(`${offered}: ${ours}, as the client says`, async (t) => {
    const { accepting, asking } = await shakenHands(t, offered);
    t.equal(keyAgreementGroup(accepting), ours);
    t.match(asking.getEphemeralKeyInfo(), { name: clients });
  });
}

void test('a session that does not name it, or is none, is no group, and nothing of it is kept', async (t) => {
  const { accepting } = await shakenHands(t, 'X25519');
  const good = accepting.getSession() ?? Buffer.alloc(0);
  const named = good.lastIndexOf(Buffer.from('b30302011d', 'hex'));
  t.ok(named > 0, 'the positive twin: it is there');
  const spoilt = (spoil: (session: Buffer) => unknown) => {
    const session = Buffer.from(good);
    const given = spoil(session);
    return Buffer.isBuffer(given) ? given : session;
  };
  const sessions = [
    Buffer.alloc(0),
    spoilt((session) => session.subarray(0, -1)),
    spoilt((session) => session.writeUInt8(0xb4, named)),
    spoilt((session) => session.writeUInt8(0x04, named + 2)),
    spoilt((session) => session.writeUInt8(0x7f, named + 3)),
    spoilt((session) => session.writeUInt8(0x7f, named + 4)),
    Buffer.from('3009b307020500000000001d'.slice(0, 22), 'hex'),
  ];
  for (const session of sessions) {
    const shown = session.toString('hex');
    t.equal(keyAgreementGroup({ getSession: () => session } as unknown as TLSSocket), undefined, shown);
    t.notOk(
      session.some((byte) => byte !== 0),
      'wiped',
    );
  }
  t.equal(keyAgreementGroup({ getSession: () => undefined } as unknown as TLSSocket), undefined);
});

import { test } from 'tap';
import { secureContext } from '../../../proxy/data/tls-options.ts';
import { handshake } from '../../../proxy/fips/handshake.ts';
import { throwAwayIdentity } from '../../../proxy/fips/self-check.ts';

const hybrid = 'X25519MLKEM768';

void test('whatever it would rather have, and others are served as they are able', async (t) => {
  const identity = await throwAwayIdentity(Date.now());
  const groupWith = async (ecdhCurve: string | undefined) => {
    const client = ecdhCurve === undefined ? {} : { ecdhCurve };
    return (await handshake(secureContext(identity, [], 'strong'), client))?.group;
  };
  for (const offered of [undefined, `${hybrid}:X25519`, `X25519:${hybrid}`, `P-256:X25519:${hybrid}`])
    t.equal(await groupWith(offered), hybrid, offered ?? 'what Node offers by itself');
  t.equal(await groupWith('X25519'), 'X25519');
  t.equal(await groupWith('P-384:X25519'), 'secp384r1', 'the key share that the client has sent saves a round trip');
  t.equal(await groupWith('P-521'), undefined);
});

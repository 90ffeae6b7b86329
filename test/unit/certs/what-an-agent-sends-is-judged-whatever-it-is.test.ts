import { createPrivateKey } from 'node:crypto';
import { test } from 'tap';
import { judgeResponse } from '../../../certs/sources/workload-api/judge.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';
import { grpcMethod, message } from '../../../certs/workload-api/proto/message.ts';
import {
  SpiffeWorkloadAPI,
  type X509SVIDResponse,
  X509SVIDResponseSchema,
} from '../../../certs/workload-api/proto/workload_pb.ts';
import { svidOf } from '../../harness/agent.ts';
import { below, type Random, seeded } from '../../harness/random.ts';
import { makePki } from '../../pki/pki.ts';

const trustDomain = parseTrustDomain('shop.example');
const partner = parseTrustDomain('partner.example');
const path = '/orders';
const nowMs = Date.now();
const { responseSerialize, responseDeserialize } = grpcMethod(SpiffeWorkloadAPI.method.fetchX509SVID);

test('bytes changed at random are a complaint or change nothing that counts, and never a bug', async (t) => {
  const pki = await makePki({ trustDomain, nowMs });
  const partnerPki = await makePki({ trustDomain: partner, nowMs });
  const credential = await pki.issue({ path });
  const pem = await pki.crl([]);
  const list = Buffer.from(pem.replaceAll(/-----[A-Z0-9 ]+-----/g, ''), 'base64');
  const response = message(X509SVIDResponseSchema, {
    svids: [svidOf(pki, credential, path)],
    crl: [list],
    federatedBundles: { [`spiffe://${partner}`]: partnerPki.root.certificate.der },
  });
  const bytes = responseSerialize(response);
  const expected = {
    spiffeId: parseSpiffeId(`spiffe://${trustDomain}${path}`),
    trustDomain,
    hint: undefined,
    federation: [partner],
    nowMs,
    trustInForce: pki.trust,
  };
  const whole = judgeResponse(response, expected);
  t.equal(whole.complaints.length, 0);
  const random = seeded(1);
  let refused = 0;
  for (let round = 0; round < 60; round++) {
    const judged = judgeResponse(decoded(mutated(random, bytes)), expected);
    if (judged.complaints.length > 0) refused += 1;
    if (judged.svid === undefined) continue;
    // Whatever else was changed: the SVID in use is the one that was signed, with its key.
    t.ok(judged.svid.chainPem.startsWith(firstBlock(whole.svid?.chainPem)));
    t.ok(createPrivateKey(judged.svid.keyPem).equals(createPrivateKey(credential.keyPem)));
  }
  t.ok(refused > 30, `${refused} refused`);
});

test('with approved algorithms alone, an SVID whose key is not is a complaint, and the bundle is used', async (t) => {
  const pki = await makePki({ trustDomain, nowMs });
  const given = { trustDomain, hint: undefined, federation: [], nowMs, trustInForce: undefined };
  const expected = { ...given, spiffeId: parseSpiffeId(`spiffe://${trustDomain}${path}`) };
  for (const key of ['Ed25519', 'P-521', 'P-384'] as const) {
    const svids = [svidOf(pki, await pki.issue({ path, key }), path)];
    const response = message(X509SVIDResponseSchema, { svids });
    t.ok(judgeResponse(response, expected).svid, `${key}: good without`);
    const judged = judgeResponse(response, { ...expected, algorithms: 'approved' });
    t.ok(judged.trust);
    t.equal(judged.svid === undefined, key !== 'P-384', key);
    if (key !== 'P-384') t.match(judged.complaints, [{ about: 'svid', message: /key .* is not approved/ }]);
  }
});

function decoded(bytes: Buffer): X509SVIDResponse | undefined {
  try {
    return responseDeserialize(bytes);
  } catch {
    return undefined;
  }
}

function mutated(random: Random, bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  for (let changes = 1 + below(random, 3); changes > 0; changes--)
    changed[below(random, bytes.length)] = below(random, 256);
  return below(random, 10) === 0 ? changed.subarray(0, below(random, bytes.length)) : changed;
}

function firstBlock(pem = ''): string {
  return pem.slice(0, pem.indexOf('-----END'));
}

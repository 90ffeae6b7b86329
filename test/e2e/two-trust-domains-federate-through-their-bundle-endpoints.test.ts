import { changeConfig, untilInForce } from '../harness/change-files.ts';
import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'tap';
import { freePort } from '../../bench/peers/opa.ts';
import { derToPem } from '../../certs/certificate.ts';
import { grpcMethod, message } from '../../certs/workload-api/proto/message.ts';
import { DiscoveryRequestSchema } from '../../certs/workload-api/proto/discovery_pb.ts';
import { SecretDiscoveryService } from '../../certs/workload-api/proto/sds_pb.ts';
import {
  JWTBundlesRequestSchema,
  JWTSVIDRequestSchema,
  SpiffeWorkloadAPI,
  ValidateJWTSVIDRequestSchema,
  X509BundlesRequestSchema,
  X509SVIDRequestSchema,
} from '../../certs/workload-api/proto/workload_pb.ts';
import { connectRaw } from '../harness/client.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { newFolder, startProxy, trustDomain } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';
import { type Answers, grpcClient, pemOf, startWorkloadApi } from '../harness/workload-api.ts';
import { makePki } from '../pki/pki.ts';

const { fetchX509SVID, fetchX509Bundles, fetchJWTSVID, fetchJWTBundles, validateJWTSVID } = SpiffeWorkloadAPI.method;
const clientId = 'spiffe://a.example/client';
const edgeId = `spiffe://${trustDomain}/edge`;
const policy = `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "a"} if input.attributes.source.principal == "${clientId}"
`;

/** As an operator fetches a bootstrap on the same machine. */
function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { rejectUnauthorized: false, agent: false }, (answer) => resolve(text(answer)))
      .on('error', reject)
      .end();
  });
}

async function until<Answer>(answers: Answers<Answer>, wanted: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await answers.next();
    if (wanted(answer)) return answer;
  }
}

void test('a workload of one domain calls a proxy of another, and each is told whom to believe by the endpoint of the other', async (t) => {
  const [workload, web, portOfB] = [
    await startWorkload(),
    await makePki({ trustDomain: 'web.example' }),
    await freePort(),
  ];
  t.teardown(workload.close);
  const tls = await web.issue({ dnsNames: ['localhost'] });
  const fetch = { allow: ['127.0.0.1'], ca: './web.pem' };
  const [folderOfA, folder] = [newFolder(t), newFolder(t)];
  for (const each of [folderOfA, folder]) writeFileSync(join(each, 'web.pem'), web.caPem);
  const near = await Promise.all([1, 2].map(() => makePki({ trustDomain: 'near.example' })));
  const publishNear = (which: number) => writeFileSync(join(folderOfA, 'near.pem'), near[which]?.caPem ?? '');
  publishNear(0);
  writeFileSync(join(folder, 'tls.key'), tls.keyPem, { mode: 0o600 });

  const a = await startWorkloadApi(
    t,
    {
      trust_domain: 'a.example',
      sockets: [
        { path: './client/api.sock', svids: [{ spiffe_id: clientId }], federates_with: [trustDomain, 'near.example'] },
      ],
      bundle_endpoint: { listen: '127.0.0.1:0', profile: 'https_spiffe', spiffe_id: 'spiffe://a.example/bundles' },
      federation: [
        { trust_domain: trustDomain, url: `https://localhost:${portOfB}/`, profile: 'https_web', refresh: '1s' },
        { trust_domain: 'near.example', bundle: './near.pem' },
      ],
      fetch,
    },
    folderOfA,
  );
  const [, portOfA = ''] = /"bundle_endpoint":"127\.0\.0\.1:(\d+)"/.exec(a.log()) ?? [];
  const urlOfA = `https://localhost:${portOfA}/`;
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      federation: [
        {
          trust_domain: 'a.example',
          url: urlOfA,
          profile: 'https_spiffe',
          endpoint_spiffe_id: 'spiffe://a.example/bundles',
          bootstrap: './a.json',
          refresh: '1s',
          max_age: '5s',
        },
      ],
      fetch,
      load_balancers: {
        peers: [clientId, edgeId],
        jwt_bundles: { 'a.example': 'federation' },
        audience: 'orders',
        token: 'optional',
      },
      workload_api: {
        sockets: [
          { path: './b/api.sock', svids: [], federates_with: ['a.example'] },
          { path: './alone/api.sock', svids: [] },
        ],
        bundle_endpoint: {
          listen: `127.0.0.1:${portOfB}`,
          profile: 'https_web',
          certificate: './tls.pem',
          key: './tls.key',
        },
      },
    },
    folder,
    files: { 'a.json': await get(urlOfA), 'tls.pem': tls.certPem, 'policy/authz.rego': policy },
  });
  const ofA = grpcClient(t, join(a.folder, 'client/api.sock'));
  const ofB = grpcClient(t, join(proxy.folder, 'b/api.sock'));

  const pushed = ofA.stream(grpcMethod(fetchX509SVID), message(X509SVIDRequestSchema, {}));
  const { svids, federatedBundles } = await until(
    pushed,
    (answer) => `spiffe://${trustDomain}` in answer.federatedBundles,
  );
  const [svid] = svids;
  if (svid === undefined) throw new TypeError('no SVID');
  const roots = pemOf(federatedBundles[`spiffe://${trustDomain}`] ?? new Uint8Array());
  const credential = { certPem: pemOf(svid.x509Svid), keyPem: derToPem(svid.x509SvidKey, 'PRIVATE KEY') };
  const byName = { ca: roots, rejectUnauthorized: true, checkServerIdentity: () => undefined };
  publishNear(1);
  await until(pushed, (answer) => {
    const now = answer.federatedBundles['spiffe://near.example'];
    return now !== undefined && pemOf(now).trim() === near[1]?.caPem.trim();
  });
  t.pass('a bundle in a file is told again as the file changes');
  const judged = await connectRaw(proxy.port, credential, byName);
  t.ok(judged.socket.authorized, 'the caller knows the proxy by the bundle that it was told');
  const kept = await keepConnection(proxy.port, credential);
  t.equal((await kept.ask('/a')).status, 200);
  t.match(await proxy.untilRecord(({ type }) => type === 'authz.allow'), { peer: { spiffe: clientId } });

  const bundles = ofB.stream(grpcMethod(fetchX509Bundles), message(X509BundlesRequestSchema, {}));
  t.same(Object.keys((await bundles.next()).bundles).toSorted(), ['spiffe://a.example', `spiffe://${trustDomain}`]);
  const alone = grpcClient(t, join(proxy.folder, 'alone/api.sock'));
  const told = await alone.stream(grpcMethod(fetchX509Bundles), message(X509BundlesRequestSchema, {})).next();
  t.same(
    Object.keys(told.bundles),
    [`spiffe://${trustDomain}`],
    'a socket that does not federate is told its own alone',
  );
  const jwks = await ofB.stream(grpcMethod(fetchJWTBundles), message(JWTBundlesRequestSchema, {})).next();
  t.same(Object.keys(jwks.bundles).toSorted(), ['spiffe://a.example', `spiffe://${trustDomain}`]);
  const envoy = { resourceNames: ['ALL'] };
  const secrets = await ofB.single(
    grpcMethod(SecretDiscoveryService.method.fetchSecrets),
    message(DiscoveryRequestSchema, envoy),
  );
  t.ok(Buffer.from(secrets.resources[0]?.value ?? []).includes('a.example'), 'and so is an Envoy');

  const tokens = await ofA.single(grpcMethod(fetchJWTSVID), message(JWTSVIDRequestSchema, { audience: ['orders'] }));
  const token = tokens.svids[0]?.svid ?? '';
  const validate = (socket: typeof ofB, audience: string, jwt = token) =>
    socket.single(grpcMethod(validateJWTSVID), message(ValidateJWTSVIDRequestSchema, { audience, svid: jwt }));
  t.match(await validate(ofB, 'orders'), { spiffeId: clientId });
  const [head, , signature] = token.split('.');
  const forged = (sub: unknown) => {
    const claims = Buffer.from(JSON.stringify({ sub, aud: ['orders'], exp: 9_999_999_999 }));
    return `${head}.${claims.toString('base64url')}.${signature}`;
  };
  for (const [socket, audience, jwt] of [
    [ofB, 'billing', token],
    [ofB, 'orders', forged('spiffe://a.example/root')],
    [ofB, 'orders', forged(5)],
    [alone, 'orders', token],
  ] as const) {
    await t.rejects(validate(socket, audience, jwt), { code: 3 });
  }

  const show = (jwt: string) => kept.ask('/a', [`x-jwt-svid: ${jwt}`]);
  t.equal((await show(token)).status, 200, 'a JWT-SVID is verified by the bundle that the endpoint served');
  t.match((await show(`${token.slice(0, -8)}AAAAAAAA`)).body, /"caller-token-untrusted"/);

  const edge = await keepConnection(proxy.port, await proxy.issue(edgeId));
  const presents = () => edge.ask('/a', [`x-jwt-svid: ${token}`]);
  t.equal((await presents()).status, 200);
  await untilInForce(proxy, () => changeConfig(proxy, { federated_routes: { 'a.example': [] } }));
  t.match((await presents()).body, /"caller-not-of-this-route"/, 'the trust domain of the caller counts');
  t.match(await proxy.untilRecord(({ reason }) => reason === 'caller-not-of-this-route'), {
    peer: { spiffe: edgeId },
    caller: { spiffe: clientId },
  });
  t.match((await edge.ask('/a')).body, /"forbidden"/, 'and the load balancer itself is of ours');

  await a.stop();
  await until(bundles, (answer) => Object.keys(answer.bundles).length === 1);
  t.pass('a bundle that has ended is told no more');
  await kept.client.untilClosed();
  await t.rejects(validate(ofB, 'orders'), { code: 3 });
});

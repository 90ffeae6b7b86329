import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { createLocalJWKSet, generateKeyPair, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose';
import { test } from 'tap';
import { DiscoveryRequestSchema, type DiscoveryResponse } from '../../certs/workload-api/proto/discovery_pb.ts';
import { grpcMethod, message } from '../../certs/workload-api/proto/message.ts';
import { SecretDiscoveryService } from '../../certs/workload-api/proto/sds_pb.ts';
import { type Secret, SecretSchema } from '../../certs/workload-api/proto/secret_pb.ts';
import {
  JWTBundlesRequestSchema,
  JWTSVIDRequestSchema,
  SpiffeWorkloadAPI,
  ValidateJWTSVIDRequestSchema,
  type X509SVIDResponse,
  X509BundlesRequestSchema,
  X509SVIDRequestSchema,
} from '../../certs/workload-api/proto/workload_pb.ts';
import { listenInFolder } from '../../certs/workload-api/socket.ts';
import { eventually } from '../harness/process.ts';
import { openCa, trustDomain } from '../harness/proxy.ts';
import { grpcClient, startWorkloadApi } from '../harness/workload-api.ts';

const fetchX509SVID = grpcMethod(SpiffeWorkloadAPI.method.fetchX509SVID);
const fetchX509Bundles = grpcMethod(SpiffeWorkloadAPI.method.fetchX509Bundles);
const streamSecrets = grpcMethod(SecretDiscoveryService.method.streamSecrets);
const fetchSecrets = grpcMethod(SecretDiscoveryService.method.fetchSecrets);
const fetchJWTSVID = grpcMethod(SpiffeWorkloadAPI.method.fetchJWTSVID);
const fetchJWTBundles = grpcMethod(SpiffeWorkloadAPI.method.fetchJWTBundles);
const validateJWTSVID = grpcMethod(SpiffeWorkloadAPI.method.validateJWTSVID);
const svidRequest = message(X509SVIDRequestSchema, {});
const bundlesRequest = message(X509BundlesRequestSchema, {});

const webId = `spiffe://${trustDomain}/web`;
const adminId = `spiffe://${trustDomain}/web-admin`;
const domainId = `spiffe://${trustDomain}`;
const secretType = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

const config = {
  // Half of it is how long a rotation is waited for.
  svid_lifetime: '10s',
  jwt_svid_lifetime: '1m',
  sockets: [
    {
      path: './web/api.sock',
      svids: [
        { spiffe_id: webId, hint: 'internal' },
        { spiffe_id: adminId, hint: 'admin', dns_names: ['localhost'] },
      ],
    },
    { path: './nobody/api.sock', svids: [] },
  ],
};

/** Certificates one behind the other. */
function certificates(der: Uint8Array): readonly X509Certificate[] {
  const found: X509Certificate[] = [];
  for (let rest = Buffer.from(der); rest.length > 0; ) {
    const certificate = new X509Certificate(rest);
    found.push(certificate);
    rest = rest.subarray(certificate.raw.length);
  }
  return found;
}

function serialOf({ svids }: X509SVIDResponse, index = 0): string {
  return certificates(svids[index]?.x509Svid ?? new Uint8Array())[0]?.serialNumber ?? '';
}

void test('the Workload API of one process', { timeout: 280_000 }, async (t) => {
  const api = await startWorkloadApi(t, config);
  const socket = join(api.folder, 'web/api.sock');
  const client = grpcClient(t, socket);
  const nobody = grpcClient(t, join(api.folder, 'nobody/api.sock'));
  const ca = await openCa(api.folder);
  t.teardown(() => ca.close());

  await t.test('a workload is given each SVID of its socket, whole and in order', async (t) => {
    const stream = client.stream(fetchX509SVID, svidRequest);
    const { svids, crl, federatedBundles } = await stream.next();
    t.strictSame(
      svids.map(({ spiffeId, hint }) => [spiffeId, hint]),
      [
        [webId, 'internal'],
        [adminId, 'admin'],
      ],
    );
    for (const { spiffeId, x509Svid, x509SvidKey, bundle } of svids) {
      const [leaf, issuer, ...more] = certificates(x509Svid);
      const [root, ...roots] = certificates(bundle);
      t.strictSame([more, roots], [[], []], 'the chain leaves the root out, and the bundle has nothing else');
      t.match(leaf?.subjectAltName, `URI:${spiffeId}`);
      const key = createPrivateKey({ key: Buffer.from(x509SvidKey), format: 'der', type: 'pkcs8' });
      t.ok(leaf?.checkPrivateKey(key), 'the key belongs to the leaf');
      t.ok(issuer && leaf?.checkIssued(issuer) && leaf.verify(issuer.publicKey));
      t.ok(root && issuer?.checkIssued(root) && issuer.verify(root.publicKey));
    }
    t.match(certificates(svids[1]?.x509Svid ?? new Uint8Array())[0]?.subjectAltName, 'DNS:localhost');
    t.equal(crl.length, 2, 'the lists of root and issuing CA');
    t.strictSame(federatedBundles, {});
    stream.cancel();
  });

  await t.test('processes of one workload share its SVID', async (t) => {
    const streams = [client, grpcClient(t, socket)].map((one) => one.stream(fetchX509SVID, svidRequest));
    const [one, other] = await Promise.all(streams.map((stream) => stream.next()));
    t.equal(one && serialOf(one), other && serialOf(other));
    for (const stream of streams) stream.cancel();
  });

  await t.test('without the security header nothing is said', async (t) => {
    for (const metadata of [{}, { 'workload.spiffe.io': 'false' }, { 'workload.spiffe.io': 'true, true' }]) {
      await t.rejects(client.stream(fetchX509SVID, svidRequest, { metadata }).next(), { code: 3 });
      await t.rejects(client.stream(fetchX509Bundles, bundlesRequest, { metadata }).next(), { code: 3 });
    }
  });

  await t.test('a socket without an entry has no identity, and tells whom to trust', async (t) => {
    await t.rejects(nobody.stream(fetchX509SVID, svidRequest).next(), { code: 7 });
    const stream = nobody.stream(fetchX509Bundles, bundlesRequest);
    const { bundles, crl } = await stream.next();
    t.strictSame(Object.keys(bundles), [domainId]);
    const [root] = certificates(bundles[domainId] ?? new Uint8Array());
    t.equal(root?.fingerprint256.replaceAll(':', '').toLowerCase(), ca.describe().root.fingerprintSha256);
    t.equal(crl.length, 2);
    stream.cancel();
    const secret = message(DiscoveryRequestSchema, { resourceNames: ['default'] });
    await t.rejects(nobody.single(fetchSecrets, secret, { metadata: {} }), { code: 7 });
  });

  await t.test('an SVID that is revoked is replaced on the open stream, with the list that names it', async (t) => {
    const stream = client.stream(fetchX509SVID, svidRequest);
    const before = serialOf(await stream.next());
    await ca.revoke(before);
    // The list and the successor may come in two answers.
    let after = await stream.next();
    while (serialOf(after) === before) after = await stream.next();
    t.ok(after.crl.some((list) => Buffer.from(list).includes(Buffer.from(before, 'hex'))));
    stream.cancel();
  });

  await t.test('a folder that somebody has opened to others serves nobody until it is closed', async (t) => {
    chmodSync(join(api.folder, 'web'), 0o755);
    await t.rejects(client.stream(fetchX509SVID, svidRequest).next(), { code: 7 });
    chmodSync(join(api.folder, 'web'), 0o700);
    const stream = client.stream(fetchX509SVID, svidRequest);
    await stream.next();
    stream.cancel();
  });

  await t.test('bytes that are no gRPC, and too many of them, hurt nobody else', async (t) => {
    const stranger = connect(socket);
    stranger.end('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(stranger.resume(), 'close');
    const large = message(DiscoveryRequestSchema, { resourceNames: ['x'.repeat(300_000)] });
    await t.rejects(client.single(fetchSecrets, large), { code: 8 });
    const stream = client.stream(fetchX509SVID, svidRequest);
    await stream.next();
    stream.cancel();
  });

  await t.test('calls beyond the bound are refused, those within go on', async (t) => {
    const clients = Array.from({ length: 12 }, () => grpcClient(t, join(api.folder, 'nobody/api.sock')));
    const streams = clients.flatMap((one) =>
      Array.from({ length: 15 }, () => one.stream(fetchX509Bundles, bundlesRequest)),
    );
    const outcomes = await Promise.allSettled(streams.map((stream) => stream.next()));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    const served = outcomes.length - refused.length;
    // A call of before may still be on its way out.
    t.ok(served > 120 && served <= 128, `${served} are served`);
    t.match(
      refused.map(({ reason }) => reason as unknown),
      refused.map(() => ({ code: 8 })),
    );
    for (const stream of streams) stream.cancel();
    const isServed = async () => {
      const stream = nobody.stream(fetchX509Bundles, bundlesRequest);
      const answer = await stream.next().catch(() => undefined);
      stream.cancel();
      return answer !== undefined;
    };
    await eventually(isServed);
  });

  await t.test('Envoy gets its certificate and whom to trust by the names of SPIRE', async (t) => {
    const { next, ask, end } = client.exchange(streamSecrets);
    ask(message(DiscoveryRequestSchema, { typeUrl: secretType, resourceNames: ['default', 'ROOTCA', 'ALL'] }));
    const first = await next();
    const [all, roots, svid] = secretsOf(first);
    t.match(
      [all, roots, svid].map((secret) => secret?.name),
      ['ALL', 'ROOTCA', 'default'],
    );
    const [leaf] = pemOf(svid, 'certificateChain');
    t.match(leaf?.subjectAltName, `URI:${webId}`);
    t.ok(leaf?.checkPrivateKey(createPrivateKey(textOf(svid, 'privateKey'))));
    t.equal(pemOf(roots, 'trustedCa').length, 1);
    t.equal(textOf(roots, 'crl').split('BEGIN X509 CRL').length, 3);
    t.match(all?.type.value, { customValidatorConfig: { name: 'envoy.tls.cert_validator.spiffe' } });

    // Neither an acknowledgement nor word of an older answer is a question.
    const { versionInfo, nonce: responseNonce, typeUrl } = first;
    t.equal(typeUrl, secretType);
    ask(message(DiscoveryRequestSchema, { versionInfo, responseNonce, resourceNames: ['default', 'ROOTCA', 'ALL'] }));
    ask(message(DiscoveryRequestSchema, { responseNonce: 'older', resourceNames: [adminId] }));
    ask(message(DiscoveryRequestSchema, { versionInfo, responseNonce, resourceNames: [domainId, adminId] }));
    const second = await next();
    t.strictSame(
      secretsOf(second)
        .map(({ name }) => name)
        .toSorted(),
      [domainId, adminId],
    );
    t.not(second.nonce, responseNonce);

    const serial = pemOf(
      secretsOf(second).find(({ name }) => name === adminId),
      'certificateChain',
    )[0]?.serialNumber;
    let pushed = await next();
    const serialIn = (answer: DiscoveryResponse) =>
      pemOf(
        secretsOf(answer).find(({ name }) => name === adminId),
        'certificateChain',
      )[0]?.serialNumber;
    while (serialIn(pushed) === serial) pushed = await next();
    t.not(pushed.versionInfo, second.versionInfo, 'the successor is pushed at half of the life');
    end();
  });

  await t.test('a workload is given tokens for an audience, and told which are good', async (t) => {
    const ask = (fields: { audience?: string[]; spiffeId?: string }, from = client) =>
      from.single(fetchJWTSVID, message(JWTSVIDRequestSchema, fields));
    const { svids } = await ask({ audience: ['orders', 'billing'] });
    t.match(svids, [
      { spiffeId: webId, hint: 'internal' },
      { spiffeId: adminId, hint: 'admin' },
    ]);
    t.match((await ask({ audience: ['orders'], spiffeId: adminId })).svids, [{ spiffeId: adminId }]);
    const token = svids[0]?.svid ?? '';
    const bundles = client.stream(fetchJWTBundles, message(JWTBundlesRequestSchema, {}));
    const jwks = Buffer.from((await bundles.next()).bundles[domainId] ?? []).toString();
    bundles.cancel();
    const keys = createLocalJWKSet(JSON.parse(jwks) as JSONWebKeySet);
    t.match(JSON.parse(jwks), { keys: [{ kty: 'EC', crv: 'P-256', d: undefined }] });
    const { payload, protectedHeader } = await jwtVerify(token, keys, { audience: 'billing', subject: webId });
    t.match(protectedHeader, { alg: 'ES256', typ: 'JWT', kid: /./ });
    t.equal((payload.exp ?? 0) - (payload.iat ?? 0), 60);
    const isGood = (svid: string, audience: string) =>
      client.single(validateJWTSVID, message(ValidateJWTSVIDRequestSchema, { svid, audience }));
    t.match(await isGood(token, 'orders'), { spiffeId: webId, claims: { sub: webId, aud: ['orders', 'billing'] } });
    const [head = '', body = ''] = token.split('.');
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
    const { privateKey } = await generateKeyPair('ES256');
    const foreign = await new SignJWT(payload).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    for (const bad of [none, foreign, `${head}.${body}.AAAA`, '', 'x'.repeat(10_000)])
      await t.rejects(isGood(bad, 'orders'), { code: 3 });
    for (const audience of ['other', '']) await t.rejects(isGood(token, audience), { code: 3 });
    await t.rejects(ask({}), { code: 3 }, 'no audience');
    await t.rejects(ask({ audience: [''] }), { code: 3 });
    await t.rejects(ask({ audience: ['orders'], spiffeId: `${webId}/x` }), { code: 7 });
    await t.rejects(ask({ audience: ['orders'] }, nobody), { code: 7 });
    const request = message(JWTSVIDRequestSchema, { audience: ['orders'] });
    await t.rejects(client.single(fetchJWTSVID, request, { metadata: {} }), { code: 3 });
    t.equal(statSync(join(api.folder, 'state/ca/jwt.key')).mode & 0o777, 0o600);
    t.notMatch(JSON.stringify(api.audit()) + api.log(), body, 'the token is in no record');
  });

  await t.test('what Envoy may not have, or is no secret, is refused', async (t) => {
    const refused = [
      [7, { resourceNames: [`spiffe://${trustDomain}/other`] }],
      [7, { resourceNames: ['default', 'spiffe://other.example'] }],
      [3, { typeUrl: 'type.googleapis.com/envoy.config.listener.v3.Listener' }],
    ] as const;
    for (const [code, fields] of refused) {
      const request = message(DiscoveryRequestSchema, structuredClone(fields) as { resourceNames?: string[] });
      await t.rejects(client.single(fetchSecrets, request, { metadata: {} }), { code });
      const { next, ask } = client.exchange(streamSecrets);
      ask(request);
      await t.rejects(next(), { code });
    }
    const { resources } = await client.single(fetchSecrets, message(DiscoveryRequestSchema, {}), { metadata: {} });
    t.equal(resources.length, 3, 'who names none is given all');
  });

  await t.test('each SVID that was handed out is on record, and no key anywhere', async (t) => {
    const records = api.audit();
    const issued = records.filter(({ type }) => type === 'ca.issue').map(({ certificate }) => certificate);
    const delivered = records.filter(({ type }) => type === 'svid.deliver');
    t.ok(delivered.length > 10);
    for (const { certificate } of delivered)
      t.ok(issued.some((one) => JSON.stringify(one) === JSON.stringify(certificate)));
    t.equal(records.filter(({ type }) => type === 'ca.create-jwt-key').length, 1);
    const tokens = records.filter(({ type }) => type === 'svid.deliver-jwt');
    t.match(tokens[0], { command: 'FetchJWTSVID', token: { sub: webId, aud: 'orders billing', jti: /./ } });
    t.match(delivered[0], { command: 'FetchX509SVID', file: socket, certificate: { spiffe: webId } });
    const refused = records.filter(({ type }) => type === 'svid.refuse').map(({ reason }) => reason);
    for (const reason of ['INVALID_ARGUMENT', 'PERMISSION_DENIED', 'socket-folder-exposed', 'RESOURCE_EXHAUSTED']) {
      t.ok(refused.includes(reason), reason);
    }
    t.notMatch(JSON.stringify(records) + api.log(), /PRIVATE|"bug"/);
  });

  await t.test('a second process does not take the socket, and one that was killed does not keep it', async (t) => {
    const listening = { maxConnections: 1, accept: () => undefined };
    await t.rejects(listenInFolder(socket, listening), { code: 'socket-in-use', message: /another process serves / });
    t.equal(await api.stop('SIGKILL'), null);
    t.ok(existsSync(socket), 'the file is left behind');
    const again = await startWorkloadApi(t, config, api.folder);
    const stream = grpcClient(t, socket).stream(fetchX509SVID, svidRequest);
    t.equal((await stream.next()).svids.length, 2);
    t.equal(await again.stop(), 0);
    await t.rejects(stream.next(), 'it ends with the process');
    t.notOk(existsSync(socket));
  });
});

function secretsOf({ resources }: DiscoveryResponse): readonly Secret[] {
  return resources.flatMap((resource) => anyUnpack(resource, SecretSchema) ?? []);
}

/** A field of a secret that is bytes of PEM. */
function textOf(secret: Secret | undefined, field: string): string {
  const value = secret?.type.value as Readonly<Record<string, unknown>> | undefined;
  const source = value?.[field] as { specifier: { value: Uint8Array } } | undefined;
  return Buffer.from(source?.specifier.value ?? []).toString();
}

function pemOf(secret: Secret | undefined, field: string): readonly X509Certificate[] {
  const blocks = textOf(secret, field).match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

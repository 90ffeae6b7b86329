import { once } from 'node:events';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { test } from 'tap';
import { withFederated } from '../../../certs/federated-trust.ts';
import { writeSpiffeBundle } from '../../../certs/spiffe-bundle.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';
import type { FetchedBundleConfig } from '../../../proxy/config/federation-config.ts';
import { bundleSources, type FederatedBundle } from '../../../proxy/fetch/federated-bundles.ts';
import { openNetwork } from '../../../proxy/fetch/network.ts';
import type { Answer } from '../../harness/https-server.ts';
import { authorityPem, makeAuthority, makeKey } from '../../pki/authority.ts';
import { makePki } from '../../pki/pki.ts';

const nowMs = Date.now();
const trustDomain = parseTrustDomain('partner.example');
const endpointId = parseSpiffeId(`spiffe://${trustDomain}/bundles`);
const [partner, next, web, stranger] = await Promise.all(
  [trustDomain, trustDomain, 'web.example', 'stranger.example'].map((name) => makePki({ trustDomain: name, nowMs })),
);
if (!partner || !next || !web || !stranger) throw new TypeError('a PKI is missing');

type Jwk = Readonly<Record<string, unknown>>;
const ec = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = (key: ReturnType<typeof ec>['publicKey'], more: Jwk = {}): Jwk => ({
  ...key.export({ format: 'jwk' }),
  use: 'jwt-svid',
  kid: 'a',
  ...more,
});
const jwtKey = jwk(ec().publicKey);
const rootsOf = (...rootsPem: string[]): Jwk[] => {
  const text = writeSpiffeBundle({ rootsPem, jwtKeys: [], sequence: 1, refreshHintMs: 0 });
  return (JSON.parse(text) as { keys: Jwk[] }).keys;
};
const [root = {}] = rootsOf(partner.caPem);
const [nextRoot = {}] = rootsOf(next.caPem);
const bundle = (keys: readonly unknown[], more: Jwk = {}) => JSON.stringify({ keys, ...more });

/** One real server; what it says and who it is are changed between two questions. */
async function startEndpoint(t: { readonly teardown: (task: () => unknown) => unknown }) {
  const { certPem: cert, keyPem: key } = await web!.issue({ dnsNames: ['localhost'] });
  const state: { answer: Answer; asked: number } = { answer: {}, asked: 0 };
  const server = createServer({ cert, key }, (_, response) => {
    state.asked++;
    const { status = 200, headers = {}, body = '' } = state.answer;
    response.writeHead(status, headers).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const beside = (credential: { readonly certPem: string; readonly keyPem: string }) =>
    server.setSecureContext({ cert: credential.certPem, key: credential.keyPem });
  return { url: `https://localhost:${(server.address() as AddressInfo).port}/bundle`, state, show: beside };
}

void test('a bundle is taken whole or not at all', async (t) => {
  const { url, state, show } = await startEndpoint(t);
  const folder = t.testdir({});
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const allow = ['127.0.0.0/8'];
  const network = await openNetwork({ allow, caFile: undefined });
  const atWeb: FetchedBundleConfig = {
    kind: 'url',
    trustDomain,
    url,
    server: { kind: 'web', caFile: file('web.pem', web.caPem) },
    refreshMs: undefined,
    maxAgeMs: 86_400_000,
  };
  const bootstrapFile = file('bootstrap.json', bundle([root]));
  const atSpiffe: FetchedBundleConfig = { ...atWeb, server: { kind: 'spiffe', spiffeId: endpointId, bootstrapFile } };
  const sourceOf = async (entry: FetchedBundleConfig, by = network) => {
    const [source] = await bundleSources([entry], by, () => nowMs);
    if (source === undefined) throw new TypeError('no source');
    return source;
  };
  const taken = async (entry: FetchedBundleConfig, answer: Answer, before?: FederatedBundle, by = network) => {
    state.answer = answer;
    return (await sourceOf(entry, by)).fetch(new AbortController().signal, before);
  };
  const leaf = await partner.issue({ path: '/a' });

  await t.test('by what it says', async (t) => {
    const body = bundle([root, nextRoot, jwtKey, { ...root, use: 'x509-svid-v2' }, { kty: 'PQ', use: 'x509-svid' }], {
      spiffe_sequence: 18_446_744,
      spiffe_refresh_hint: 120,
      'a member of tomorrow': true,
    });
    const good = await taken(atWeb, { body });
    t.match(good, {
      rootsPem: { length: 2 },
      jwtKeys: [{ kid: 'a', kty: 'EC' }],
      sequence: 18_446_744,
      refreshHintMs: 120_000,
    });
    t.notOk('use' in (good.jwtKeys[0] ?? {}));
    const mute = await makeAuthority({ name: 'mute', nowMs, keyUsage: 1 });
    const weak = await makeAuthority({ name: 'weak', nowMs, key: await makeKey('RSA-1024') });
    const named = await makeAuthority({
      name: 'named',
      nowMs,
      extensions: [{ kind: 'subject-alt-name', names: [{ type: 'uri', value: 'spiffe://shop.example' }] }],
    });
    const issued = authorityPem(partner.intermediate);
    const many = Array.from({ length: 101 }, () => root);
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    const wrong: readonly (readonly [what: string, answer: string | Answer, problem: RegExp])[] = [
      ['nothing', '', /not acceptable JSON/],
      ['html', '<html>', /not acceptable JSON/],
      ['a member twice', `{"keys":[],${bundle([root]).slice(1)}`, /not acceptable JSON: duplicate/],
      ['a list', '[]', /the document is no JSON object/],
      ['no keys', '{}', /no list `keys`/],
      ['an empty bundle', bundle([]), /no key of use x509-svid/],
      ['keys for tokens alone', bundle([jwtKey]), /no key of use x509-svid/],
      ['unknown uses alone', bundle([{ ...root, use: 'X509-SVID' }]), /no key of use x509-svid/],
      ['more than a hundred keys', bundle(many), /101 keys are more than 100/],
      ['a text for a key', bundle([root, 'key']), /keys\[1\] is no JSON object/],
      ['no use', bundle([root, { ...root, use: undefined }]), /keys\[1\] lacks `kty` or `use`/],
      ['no kty', bundle([{ ...root, kty: undefined }]), /keys\[0\] lacks `kty` or `use`/],
      ['no certificate', bundle([{ ...root, x5c: undefined }]), /not exactly one certificate/],
      ['an empty list of them', bundle([{ ...root, x5c: [] }]), /not exactly one certificate/],
      [
        'two certificates',
        bundle([{ ...root, x5c: [...(root['x5c'] as string[]), ...(root['x5c'] as string[])] }]),
        /not exactly one certificate/,
      ],
      ['a number for one', bundle([{ ...root, x5c: [1] }]), /not exactly one certificate/],
      ['base64url', bundle([{ ...root, x5c: [`${(root['x5c'] as string[])[0]}_`] }]), /is not base64/],
      ['garbage in it', bundle([{ ...root, x5c: ['AAAA'] }]), /not a readable certificate/],
      [
        'a leaf',
        bundle([{ ...root, x5c: [Buffer.from(leaf.chainDer[0] ?? []).toString('base64')] }]),
        /is not a CA certificate/,
      ],
      ['a CA that may not sign', bundle(rootsOf(authorityPem(mute))), /is not a CA certificate/],
      ['a weak root', bundle(rootsOf(authorityPem(weak))), /too weak/],
      ['a root that somebody has signed', bundle(rootsOf(issued)), /not self-signed/],
      [
        'a root that calls itself another domain',
        bundle(rootsOf(authorityPem(named))),
        /calls itself spiffe:\/\/shop\.example/,
      ],
      ['the key of another', bundle([{ ...root, x: nextRoot['x'], y: nextRoot['y'] }]), /not that of its certificate/],
      ['no key at all', bundle([{ kty: 'EC', use: 'x509-svid', x5c: root['x5c'] }]), /not that of its certificate/],
      ['a private key', bundle([root, { ...jwtKey, d: 'AAAA' }]), /keys\[1\] is a private key/],
      ['a shared secret', bundle([root, { kty: 'oct', use: 'jwt-svid', k: 'AAAA' }]), /is a private key/],
      ['a key for tokens without kid', bundle([root, { ...jwtKey, kid: undefined }]), /needs a `kid`/],
      ['two of one kid', bundle([root, jwtKey, jwk(ec().publicKey)]), /two keys have the kid/],
      ['a weak key for tokens', bundle([root, { ...rsa, use: 'jwt-svid', kid: 'b' }]), /strong enough/],
      ['a point off the curve', bundle([root, { ...jwtKey, x: jwtKey['y'] }]), /strong enough/],
      ['a sequence that is text', bundle([root], { spiffe_sequence: '1' }), /`spiffe_sequence` is no integer/],
      ['a negative one', bundle([root], { spiffe_sequence: -1 }), /`spiffe_sequence` is no integer/],
      ['a hint of half seconds', bundle([root], { spiffe_refresh_hint: 0.5 }), /`spiffe_refresh_hint` is no integer/],
      ['more than a megabyte', body + ' '.repeat(1024 * 1024), /more than 1048576 bytes/],
      ['a redirect', { status: 302, headers: { location: url } }, /redirect, which is not followed/],
      ['an error', { status: 503, body }, /status 503/],
      ['an encoding', { body, headers: { 'content-encoding': 'gzip' } }, /encoded/],
    ];
    for (const [what, answer, message] of wrong) {
      const given = typeof answer === 'string' ? { body: answer } : answer;
      await t.rejects(taken(atWeb, given), { code: 'fetch-refused', message }, what);
    }
  });

  await t.test('by its sequence', async (t) => {
    const said = (sequence?: number) => ({ body: bundle([root], { spiffe_sequence: sequence }) });
    const seven = await taken(atWeb, said(7));
    for (const sequence of [7, 8]) t.match(await taken(atWeb, said(sequence), seven), { sequence });
    for (const sequence of [6, undefined]) {
      await t.rejects(taken(atWeb, said(sequence), seven), { code: 'fetch-refused', message: /comes behind 7/ });
    }
    t.match(
      await taken(atWeb, said(), await taken(atWeb, said())),
      { sequence: undefined },
      'who never had one needs none',
    );
    t.match(await taken(atWeb, said(1)), { sequence: 1 }, 'when the old one has ended, any is the first');
  });

  await t.test('by its time', async (t) => {
    const rest = async (entry: FetchedBundleConfig, refreshHintMs: number | undefined) =>
      (await sourceOf(entry)).restMs({ rootsPem: [], jwtKeys: [], sequence: 1, refreshHintMs, sha256: '' });
    t.same(
      await Promise.all([undefined, 0, 30_000, 600_000, 9e15].map((hint) => rest(atWeb, hint))),
      [300_000, 30_000, 30_000, 600_000, 3_600_000],
    );
    t.equal(await rest({ ...atWeb, refreshMs: 7000 }, 600_000), 7000);
    t.equal(await rest({ ...atWeb, maxAgeMs: 60_000 }, 600_000), 30_000, 'before the one there is has ended');
    t.equal((await sourceOf(atWeb)).endMs({} as FederatedBundle, 1000), 86_401_000);
  });

  await t.test('only from an allowed address, and a server of that name', async (t) => {
    const before = state.asked;
    const closed = await openNetwork({ allow: [], caFile: undefined });
    await t.rejects(taken(atWeb, {}, undefined, closed), { code: 'fetch-refused', message: /not public/ });
    await t.rejects(
      taken({ ...atWeb, server: { kind: 'web', caFile: undefined } }, {}),
      { code: 'fetch-failed' },
      'roots of Node',
    );
    show(await web.issue({ dnsNames: ['other.example'] }));
    await t.rejects(taken(atWeb, {}), { code: 'fetch-failed', message: /altnames/i });
    t.equal(state.asked, before, 'it was not even asked');
  });

  await t.test('only from the SPIFFE ID that is configured', async (t) => {
    const body = bundle([root, nextRoot], { spiffe_sequence: 1 });
    show(await partner.issue({ path: '/bundles' }));
    const first = await taken(atSpiffe, { body });
    t.match(first, { rootsPem: { length: 2 } });
    const before = state.asked;
    const wrong: readonly (readonly [string, Parameters<typeof show>[0], RegExp])[] = [
      [
        'another workload',
        await partner.issue({ path: '/other' }),
        /the server is spiffe:\/\/partner\.example\/other, not/,
      ],
      ['a certificate for the host', await partner.issue({ names: [{ type: 'dns', value: 'localhost' }] }), /no SVID/],
      [
        'the ID of another domain',
        await partner.issue({ names: [{ type: 'uri', value: 'spiffe://x.example/bundles' }] }),
        /no SVID of partner\.example/,
      ],
      [
        'a name with two IDs',
        await partner.issue({
          names: [
            { type: 'uri', value: endpointId },
            { type: 'uri', value: endpointId },
          ],
        }),
        /no SVID/,
      ],
    ];
    for (const [what, credential, message] of wrong) {
      show(credential);
      await t.rejects(taken(atSpiffe, { body }), { code: 'fetch-refused', message }, what);
    }
    for (const [what, credential] of [
      ['the root of somebody else', await stranger.issue({ names: [{ type: 'uri', value: endpointId }] })],
      ['a certificate of the web', await web.issue({ dnsNames: ['localhost'] })],
      ['an SVID that has ended', await partner.issue({ path: '/bundles', notAfterMs: nowMs - 1000 })],
    ] as const) {
      show(credential);
      await t.rejects(taken(atSpiffe, { body }), { code: 'fetch-failed' }, what);
    }
    t.equal(state.asked, before, 'nobody of them was even asked');

    show(await next.issue({ path: '/bundles' }));
    await t.rejects(taken(atSpiffe, { body }), { code: 'fetch-failed' }, 'a root that the bootstrap does not have');
    t.ok(await taken(atSpiffe, { body }, first), 'and the last good bundle has');
    show(await partner.issue({ path: '/bundles' }));
    const rotated = { ...first, rootsPem: [next.caPem] };
    await t.rejects(
      taken(atSpiffe, { body }, rotated),
      { code: 'fetch-failed' },
      'a removed root authenticates nobody',
    );
  });

  await t.test('also where the library forgets to ask who the server is (CVE-2026-109383)', async (t) => {
    const body = bundle([root, nextRoot], { spiffe_sequence: 1 });
    const host = { type: 'dns', value: 'localhost' } as const;
    const before = state.asked;
    const { connect } = tls;
    const forgetting = (instead: tls.ConnectionOptions) => {
      tls.connect = ((options: tls.ConnectionOptions) => {
        const left = Object.entries(options).filter(([name]) => name !== 'checkServerIdentity');
        return connect({ ...Object.fromEntries(left), ...instead });
      }) as typeof connect;
    };
    t.teardown(() => (tls.connect = connect));

    forgetting({});
    show(await partner.issue({ names: [host, { type: 'uri', value: `spiffe://${trustDomain}/other` }] }));
    await t.rejects(
      taken(atSpiffe, { body }),
      { code: 'fetch-refused', message: /\/other, not/ },
      'the name of its host only',
    );
    show(await partner.issue({ names: [host, { type: 'uri', value: endpointId }] }));
    t.ok(await taken(atSpiffe, { body }), 'who is right in both is served');
    forgetting({ checkServerIdentity: () => undefined });
    show(await web.issue({ dnsNames: ['other.example'] }));
    await t.rejects(taken(atWeb, { body }), { code: 'fetch-failed', message: /altnames/i }, 'nothing at all');
    t.equal(state.asked, before + 1, 'nobody else was even asked');
  });

  await t.test('another bootstrap, URL or SPIFFE ID is another source', async (t) => {
    const definitions = async (...entries: FetchedBundleConfig[]) =>
      Promise.all(entries.map(async (entry) => (await sourceOf(entry)).definition));
    const server = { kind: 'spiffe', spiffeId: endpointId } as const;
    const found = await definitions(
      atSpiffe,
      { ...atSpiffe, url: `${url}/` },
      { ...atSpiffe, server: { ...server, bootstrapFile: file('other.json', bundle([nextRoot])) } },
      { ...atSpiffe, server: { ...server, bootstrapFile, spiffeId: parseSpiffeId(`spiffe://${trustDomain}/b`) } },
      atWeb,
    );
    t.equal(new Set(found).size, found.length);
    t.same(await definitions({ ...atSpiffe, maxAgeMs: 1 }), found.slice(0, 1));
  });
});

void test('a root of one domain never stands in the bundle of another', (t) => {
  const own = [{ trustDomain: 'shop.example', rootsPem: [web.caPem], crlsPem: [] }];
  const of = (name: string, ...rootsPem: string[]) => ({ trustDomain: parseTrustDomain(name), rootsPem });
  const found = withFederated(own, [
    of('c.example', partner.caPem),
    of('a.example', next.caPem, web.caPem),
    of('b.example', partner.caPem),
  ]);
  t.same(found, {
    trust: [{ ...of('c.example', partner.caPem), crlsPem: [] }, ...own],
    leftOut: [
      'the bundle of a.example is left out: it has a root of shop.example',
      'the bundle of b.example is left out: it has a root of c.example',
    ],
  });
  t.equal(withFederated(own, []).trust, own);
  t.end();
});

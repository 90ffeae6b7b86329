import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { type Test, test } from 'tap';
import type { IdentityEvent } from '../../../certs/sources/events.ts';
import type { Endpoint } from '../../../certs/sources/workload-api/endpoint.ts';
import { followAgent } from '../../../certs/sources/workload-api/follow.ts';
import { fetchX509Svids } from '../../../certs/sources/workload-api/connect.ts';
import { workloadApiSource, type WorkloadApiSourceOptions } from '../../../certs/sources/workload-api/source.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';
import { parseSpiffeEndpoint } from '../../../proxy/config/spiffe-endpoint.ts';
import { type Agent, type OfferedResponse, startAgent, svidOf } from '../../harness/agent.ts';
import { newFolder } from '../../harness/proxy.ts';
import { hourMs } from '../../pki/authority.ts';
import { type Credential, makePki } from '../../pki/pki.ts';

const trustDomain = parseTrustDomain('shop.example');
const partner = parseTrustDomain('partner.example');
const path = '/ns/shop/sa/orders';
const spiffeId = parseSpiffeId(`spiffe://${trustDomain}${path}`);
const nowMs = Math.floor(Date.now() / 1000) * 1000;
const pki = await makePki({ trustDomain, nowMs });
const nextPki = await makePki({ trustDomain, nowMs });
const partnerPki = await makePki({ trustDomain: partner, nowMs });
const first = await pki.issue({ path });
const second = await pki.issue({ path });
const good = svidOf(pki, first, path);
const renewed = svidOf(pki, second, path);

const serial = (credential: Credential) => credential.serial.toUpperCase();

/** Short waits pass a hundred times faster; what takes half a minute waits until the test says so. */
function testTimers() {
  const long = new Set<() => void>();
  const waits: number[] = [];
  return {
    waits,
    long,
    schedule: (delayMs: number, run: () => void) => {
      if (delayMs >= 30_000) {
        long.add(run);
        return () => void long.delete(run);
      }
      waits.push(delayMs);
      const timer = setTimeout(run, delayMs / 100);
      return () => clearTimeout(timer);
    },
    longPass: () => {
      const due = [...long];
      long.clear();
      for (const run of due) run();
    },
  };
}

type Given = Partial<Pick<WorkloadApiSourceOptions, 'hint' | 'federation' | 'stop' | 'random'>>;

/** Opens a source at the endpoint; `until` resolves with the next event, or one of those that came unread, of the type. */
function open(t: Test, uri: string, given: Given = {}) {
  const parsed = parseSpiffeEndpoint(uri) as { value: Endpoint };
  const events: IdentityEvent[] = [];
  const clock = { nowMs };
  const timers = testTimers();
  let heard = () => {};
  let read = 0;
  const until = async (type: IdentityEvent['type']) => {
    for (;;) {
      const event = events[read++];
      if (event?.type === type) return event;
      if (event !== undefined) throw new Error(`${JSON.stringify(event)} instead of ${type}`);
      read--;
      await new Promise<void>((resolve) => (heard = resolve));
    }
  };
  const opening = workloadApiSource({
    endpoint: parsed.value,
    spiffeId,
    trustDomain,
    hint: undefined,
    federation: [],
    overdueShare: 0.8,
    now: () => clock.nowMs,
    onEvent: (event) => {
      events.push(event);
      heard();
    },
    schedule: timers.schedule,
    random: () => 0,
    ...given,
  });
  opening.then(
    ({ close }) => t.teardown(close),
    () => undefined,
  );
  return { opening, events, until, clock, ...timers };
}

async function opened(t: Test, agent: Agent, given: Given = {}) {
  const parts = open(t, agent.uri, given);
  const source = await parts.opening;
  const trustSeen: number[] = [];
  const changes: (() => void)[] = [];
  source.watchTrust(() => {
    trustSeen.push(source.trust().reduce((sum, { rootsPem }) => sum + rootsPem.length, 0));
    for (const resolve of changes.splice(0)) resolve();
  });
  const trustChanged = () => new Promise<void>((resolve) => changes.push(resolve));
  return { ...parts, source, trustSeen, trustChanged };
}

const socketIn = (t: Test) => join(newFolder(t), 'agent.sock');

test('no proxy of the environment is given our key', async (t) => {
  // Nobody listens there: who went that way would never arrive.
  for (const name of ['grpc_proxy', 'https_proxy', 'http_proxy']) {
    const before = process.env[name];
    process.env[name] = 'http://127.0.0.1:1';
    t.teardown(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
  const agent = await startAgent(t);
  agent.offer({ svids: [good] });
  const { source } = await opened(t, agent);
  t.equal(source.current().serial, serial(first));
});

test('the SVID and the bundle of an agent are used, each new one as it comes, over a socket and over loopback', async (t) => {
  for (const where of [socketIn(t), undefined]) {
    const agent = await startAgent(t, where);
    agent.offer({ svids: [good] });
    const { source, events, until } = await opened(t, agent);
    const heard: string[] = [];
    source.subscribe((svid) => heard.push(svid.serial));
    t.match(source.current(), { spiffeId, serial: serial(first), keyPem: first.keyPem, chainPem: first.certPem });
    t.same(source.trust(), pki.trust);
    const { notBeforeMs, notAfterMs } = source.current();
    t.equal(source.overdueFromMs(), notBeforeMs + 0.8 * (notAfterMs - notBeforeMs));
    agent.offer({ svids: [good] });
    agent.offer({ svids: [renewed] });
    t.match(await until('identity.rotate'), { previousSerial: serial(first), serial: serial(second) });
    t.equal(source.current().serial, serial(second));
    t.same(heard, [serial(second)]);
    t.equal(events.length, 1, 'the same SVID is no news');
    t.same(agent.asked(), ['true'], 'one stream, with the mandatory metadata');
    source.close();
    agent.stop();
  }
});

test('what is not good is told with its reason, once, and the old SVID stays', async (t) => {
  const other = await pki.issue({ path: '/other' });
  const expired = await pki.issue({ path, notBeforeMs: nowMs - 2 * hourMs, notAfterMs: nowMs - hourMs });
  const early = await pki.issue({ path, notBeforeMs: nowMs + hourMs, notAfterMs: nowMs + 2 * hourMs });
  const foreign = await partnerPki.issue({ path });
  const twoNames = await pki.issue({ names: ['/a', '/b'].map((end) => ({ type: 'uri', value: `${spiffeId}${end}` })) });
  const bad: Record<string, [OfferedResponse | Buffer, string, RegExp]> = {
    'a key that does not match': [
      { svids: [{ ...good, x509SvidKey: renewed.x509SvidKey ?? Buffer.of() }] },
      'key-mismatch',
      /^not the key/,
    ],
    'an SVID that has expired': [{ svids: [svidOf(pki, expired, path)] }, 'svid-expired', / expired /],
    'an SVID that is not valid yet': [{ svids: [svidOf(pki, early, path)] }, 'svid-not-yet-valid', /valid from/],
    'an SVID of another trust domain': [
      { svids: [svidOf(partnerPki, foreign, path)] },
      'svid-foreign',
      /no bundle of shop\.example|no SVID of/,
    ],
    'an SVID of another workload': [
      { svids: [svidOf(pki, other, '/other')] },
      'svid-foreign',
      /no SVID of .*, but "spiffe:\/\/shop\.example\/other"$/,
    ],
    'an SVID of another workload under our name': [
      { svids: [svidOf(pki, other, path)] },
      'svid-foreign',
      /^the SVID is spiffe:\/\/shop\.example\/other/,
    ],
    'an SVID of a CA that is not in its bundle': [
      { svids: [svidOf(nextPki, first, path)] },
      'svid-untrusted',
      /no path from issuer/,
    ],
    'a certificate that is no SVID': [{ svids: [svidOf(pki, twoNames, path)] }, 'svid-invalid', /2 URI SANs/],
    'an empty bundle': [
      { svids: [{ ...renewed, bundle: Buffer.of() }] },
      'workload-api-malformed',
      /comes without its bundle$/,
    ],
    'no certificate': [
      { svids: [{ ...renewed, x509Svid: Buffer.of() }] },
      'workload-api-malformed',
      /without its certificate$/,
    ],
    'no key': [{ svids: [{ ...renewed, x509SvidKey: Buffer.of() }] }, 'workload-api-malformed', /without its key$/],
    'no SPIFFE ID beside a good one': [
      { svids: [renewed, { ...good, spiffeId: '' }] },
      'workload-api-malformed',
      /without its SPIFFE ID$/,
    ],
    'no SVID at all': [{ svids: [] }, 'workload-api-malformed', /a message without an SVID/],
    'bytes that are no message': [Buffer.from('ffffffffffffffff', 'hex'), 'workload-api-malformed', /cannot be read/],
    'a text that is not UTF-8': [Buffer.from('0a040a02c328', 'hex'), 'workload-api-malformed', /cannot be read/],
    'bytes behind the certificate': [
      { svids: [{ ...renewed, x509Svid: Buffer.concat([...second.chainDer, Buffer.from('x')]) }] },
      'certificate-malformed',
      /no certificates in DER/,
    ],
    'a certificate that is cut': [
      { svids: [{ ...renewed, x509Svid: Buffer.concat(second.chainDer).subarray(0, -9) }] },
      'certificate-malformed',
      /no certificates in DER/,
    ],
    'a key that is none': [
      { svids: [{ ...renewed, x509SvidKey: Buffer.from('0500', 'hex') }] },
      'workload-api-malformed',
      /no PKCS#8/,
    ],
  };
  for (const kind of ['x25519', 'ed25519', 'rsa-pss', 'ml-dsa-44'] as const) {
    const { privateKey } = generateKeyPairSync(kind as 'ed25519', { modulusLength: 2048 } as object);
    const x509SvidKey = privateKey.export({ format: 'der', type: 'pkcs8' });
    bad[`a key of another kind, ${kind}`] = [{ svids: [{ ...good, x509SvidKey }] }, 'key-mismatch', /^not the key/];
  }
  const agent = await startAgent(t, socketIn(t));
  agent.offer({ svids: [good] });
  const { source, until } = await opened(t, agent);
  for (const [what, [response, code, message]] of Object.entries(bad)) {
    agent.offer(response);
    agent.offer(response);
    t.match(await until('identity.refresh-failed'), { code, message, serial: serial(first) }, what);
    t.equal(source.current().serial, serial(first), what);
    // In the test's own order: what was said twice would come before what the next one says.
    agent.offer({ svids: [good] });
  }
  agent.offer({ svids: [renewed] });
  t.match(await until('identity.rotate'), { serial: serial(second) }, 'a good one is used');
});

test('what time alone may mend is looked at again', async (t) => {
  const early = await pki.issue({ path, notBeforeMs: nowMs + 60_000, notAfterMs: nowMs + hourMs });
  const agent = await startAgent(t, socketIn(t));
  agent.offer({ svids: [good] });
  const { source, until, clock, longPass } = await opened(t, agent);
  agent.offer({ svids: [svidOf(pki, early, path)] });
  t.match(await until('identity.refresh-failed'), { code: 'svid-not-yet-valid' });
  clock.nowMs += 61_000;
  longPass();
  t.match(await until('identity.rotate'), { serial: serial(early) });
  t.equal(source.current().serial, serial(early));
});

test('among several SVIDs the SPIFFE ID chooses, and then the hint', async (t) => {
  const other = await pki.issue({ path: '/other' });
  const svids = [
    svidOf(pki, other, '/other', { hint: 'internal' }),
    { ...good, hint: 'internal' },
    { ...renewed, hint: 'external' },
  ];
  const agent = await startAgent(t, socketIn(t));
  agent.offer({ svids });
  for (const [hint, chosen] of [
    [undefined, first],
    ['internal', first],
    ['external', second],
  ] as const) {
    const { source } = await opened(t, agent, { hint });
    t.equal(source.current().serial, serial(chosen), hint ?? 'the first');
    source.close();
  }
  const stop = new AbortController();
  const { opening, until } = open(t, agent.uri, { hint: 'none of these', stop: stop.signal });
  t.match(await until('identity.wait'), {
    code: 'svid-foreign',
    message: /^no SVID of \S+orders with the hint "none of these" is offered, but .*orders" \("external"\)$/,
  });
  stop.abort(new Error('enough'));
  await t.rejects(opening, { message: 'enough' });
});

test('a root that is added or removed does not wait for an SVID that is broken, and a broken bundle changes nothing', async (t) => {
  const bothRoots = Buffer.concat([pki.root.certificate.der, nextPki.root.certificate.der]);
  const mismatched = { ...good, x509SvidKey: renewed.x509SvidKey };
  const agent = await startAgent(t, socketIn(t));
  agent.offer({ svids: [good] });
  const { source, until, trustSeen, trustChanged } = await opened(t, agent);
  const changed = trustChanged();
  agent.offer({ svids: [{ ...mismatched, bundle: bothRoots }] });
  await changed;
  t.match(await until('identity.refresh-failed'), { code: 'key-mismatch' });
  const changedBack = trustChanged();
  agent.offer({ svids: [{ ...mismatched, bundle: nextPki.root.certificate.der }] });
  await changedBack;
  t.same(source.trust(), nextPki.trust);
  const brokenBundles = {
    'is not a CA certificate': first.chainDer[0],
    'is not self-signed': pki.intermediate.certificate.der,
    'no certificates in DER': bothRoots.subarray(0, -1),
    'not a readable certificate': Buffer.from('0500', 'hex'),
  };
  for (const [message, bundle] of Object.entries(brokenBundles)) {
    agent.offer({ svids: [{ ...mismatched, bundle: bundle ?? Buffer.of() }] });
    t.match(await until('trust.refresh-failed'), { message: new RegExp(`^the bundle of shop.example: .*${message}`) });
    t.same(source.trust(), nextPki.trust);
  }
  t.same(trustSeen, [2, 1]);
  agent.offer({ svids: [renewed] });
  t.match(await until('identity.rotate'), { serial: serial(second) });
  t.same(source.trust(), pki.trust);
});

test('bundles of foreign trust domains are used where they are named, left out where they are no good, and go when they are gone', async (t) => {
  const federatedBundles = {
    [`spiffe://${partner}`]: partnerPki.root.certificate.der,
    'spiffe://unnamed.example': nextPki.root.certificate.der,
  };
  const agent = await startAgent(t, socketIn(t));
  agent.offer({ svids: [good], federatedBundles });
  const { source, until, trustChanged } = await opened(t, agent, { federation: [partner] });
  const domains = () => source.trust().map((domain) => domain.trustDomain);
  t.same(
    source.trust(),
    [...partnerPki.trust, ...pki.trust].toSorted((a, b) => (a.trustDomain < b.trustDomain ? -1 : 1)),
  );
  const wrong = {
    'no certificates in DER': Buffer.from('garbage'),
    'is a root of \\S+ and of': pki.root.certificate.der,
  };
  for (const [message, bundle] of Object.entries(wrong)) {
    const changed = trustChanged();
    agent.offer({ svids: [good], federatedBundles: { [`spiffe://${partner}`]: bundle } });
    await changed;
    t.match(await until('trust.refresh-failed'), {
      message: new RegExp(`^the bundle of partner.example: .*${message}`),
    });
    t.same(domains(), [trustDomain], 'nobody of the partner is believed, and all of ours are');
    const mended = trustChanged();
    agent.offer({ svids: [good], federatedBundles });
    await mended;
  }
  const gone = trustChanged();
  agent.offer({ svids: [good] });
  await gone;
  t.same(domains(), [trustDomain]);
});

test('revocation lists come with the bundles', async (t) => {
  const der = (pem: string) => Buffer.from(pem.replaceAll(/-----[A-Z0-9 ]+-----/g, ''), 'base64');
  const list = await pki.crl([second.serial]);
  const agent = await startAgent(t, socketIn(t));
  agent.offer({ svids: [good], crl: [der(list)] });
  const { source, until } = await opened(t, agent);
  t.same(source.trust(), pki.trustWith(list));
  agent.offer({ svids: [renewed], crl: [der(list)] });
  t.match(
    await until('identity.refresh-failed'),
    { message: /is revoked by/ },
    'our own SVID is held against them too',
  );
  agent.offer({ svids: [good], crl: [Buffer.from('none')] });
  t.match(await until('trust.refresh-failed'), {});
  t.same(source.trust(), pki.trustWith(list));
});

test('an agent that is not there yet, or has no identity for us yet, is waited for', async (t) => {
  const where = socketIn(t);
  const { opening, until, waits } = open(t, `unix://${where}`);
  t.match(await until('identity.wait'), {
    code: 'workload-api-unavailable',
    message: /^unix:\/\/\S+agent\.sock: UNAVAILABLE: .*ENOENT/,
  });
  const agent = await startAgent(t, where);
  agent.refuse(status.PERMISSION_DENIED, 'no identity issued\n\u001b[31m');
  t.match(await until('identity.wait'), {
    code: 'workload-api-refused',
    message: /PERMISSION_DENIED: no identity issued\?\?\[31m$/,
  });
  agent.offer({ svids: [{ ...good, x509SvidKey: renewed.x509SvidKey }] });
  t.match(await until('identity.wait'), { code: 'key-mismatch' });
  agent.offer({ svids: [good] });
  t.equal((await opening).current().serial, serial(first));
  t.same(waits.slice(0, 2), [125, 250], 'each wait is twice the one before');
});

test('the longer an agent is away, the more rarely it is asked', async (t) => {
  const waits: number[] = [];
  const clock = { nowMs };
  await new Promise<void>((resolve) => {
    const stop = followAgent({
      ask: fetchX509Svids,
      endpoint: { kind: 'unix', path: '/nonexistent/agent.sock' },
      received: () => undefined,
      lost: (_why, failures) => {
        if (failures < 10 && waits.length < 10) return;
        stop();
        resolve();
      },
      now: () => clock.nowMs,
      random: () => 0.5,
      schedule: (delayMs, run) => {
        if (delayMs === 30_000) {
          // The tenth stream lasts.
          if (waits.length === 9) clock.nowMs += 30_000;
          return () => undefined;
        }
        waits.push(delayMs);
        const timer = setTimeout(run);
        return () => clearTimeout(timer);
      },
    });
  });
  t.same(waits, [187.5, 375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500, 187.5]);
});

test('an agent that dies is told once, its SVID stays in use, and its successor is found', async (t) => {
  const where = socketIn(t);
  const agent = await startAgent(t, where);
  agent.offer({ svids: [good] });
  const { source, until, events } = await opened(t, agent);
  agent.stop();
  t.match(await until('identity.refresh-failed'), { code: 'workload-api-unavailable', message: /ENOENT|ECONNREFUSED/ });
  t.equal(source.current().serial, serial(first));
  const successor = await startAgent(t, where);
  successor.offer({ svids: [renewed] });
  t.match(await until('identity.rotate'), { serial: serial(second) });
  t.equal(events.length, 2);
  successor.offer(Buffer.alloc(4 * 1024 * 1024 + 1));
  t.match(await until('identity.refresh-failed'), { message: /RESOURCE_EXHAUSTED/ }, 'a message without end');
  successor.refuse(status.PERMISSION_DENIED, 'gone');
  t.match(await until('identity.refresh-failed'), { code: 'workload-api-refused' });
  t.equal(source.current().serial, serial(second), 'until it expires');
});

test('what is no agent is waited out: garbage, silence, a stream that just ends', async (t) => {
  const answers: Record<string, [(socket: Socket) => void, RegExp]> = {
    'HTTP/1.1': [(socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), /UNAVAILABLE/],
    garbage: [(socket) => socket.end(Buffer.alloc(9000, 0xa5)), /UNAVAILABLE/],
    'a frame that is too large': [
      (socket) => socket.write(Buffer.from('ffffff0400000000000000', 'hex')),
      /UNAVAILABLE/,
    ],
    nothing: [(socket) => socket.end(), /UNAVAILABLE/],
  };
  for (const [what, [answer, message]] of Object.entries(answers)) {
    const where = socketIn(t);
    const server = createServer((socket) => answer(socket.on('error', () => undefined)));
    await once(server.listen(where), 'listening');
    const stop = new AbortController();
    const { opening, until } = open(t, `unix://${where}`, { stop: stop.signal });
    t.match(await until('identity.wait'), { code: 'workload-api-unavailable', message }, what);
    stop.abort(new Error(what));
    await t.rejects(opening, { message: what }, 'the wait can be ended');
    server.close();
  }
});

test('an agent that accepts and says nothing is given up', async (t) => {
  const where = socketIn(t);
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket));
  await once(server.listen(where), 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const stop = new AbortController();
  const { opening, until, longPass, long } = open(t, `unix://${where}`, { stop: stop.signal });
  await once(server, 'connection');
  longPass();
  t.match(await until('identity.wait'), { code: 'workload-api-unavailable', message: /no answer within 30 s$/ });
  const reason = new Error('enough');
  stop.abort(reason);
  await t.rejects(opening, reason);
  t.equal(long.size, 0, 'and nothing is scheduled any more');
});

test('after close nobody is called', async (t) => {
  const agent = await startAgent(t, socketIn(t));
  agent.offer({ svids: [good] });
  const { source, events, long } = await opened(t, agent);
  const heard: string[] = [];
  source.subscribe((svid) => heard.push(svid.serial));
  source.close();
  agent.offer({ svids: [renewed] });
  const other = await opened(t, agent);
  t.equal(other.source.current().serial, serial(second), 'the agent has sent it');
  t.same([heard, events, long.size, source.current().serial], [[], [], 0, serial(first)]);
});

import { once } from 'node:events';
import http2 from 'node:http2';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'tap';
import type { SvidMaterial, SvidSource } from '../../../certs/sources/svid-source.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';
import { createBell } from '../../../certs/workload-api/bell.ts';
import type { WorkloadApiEvent } from '../../../certs/workload-api/events.ts';
import { keepTold } from '../../../certs/workload-api/keep-told.ts';
import { keepSvid } from '../../../certs/workload-api/kept-svid.ts';
import { grpcServer, stream } from '../../../certs/workload-api/listen.ts';
import { grpcMethod, message } from '../../../certs/workload-api/proto/message.ts';
import { SpiffeWorkloadAPI, X509BundlesResponseSchema } from '../../../certs/workload-api/proto/workload_pb.ts';
import { delivery, servedSocket } from '../../../certs/workload-api/served-socket.ts';
import { serveTrust } from '../../../certs/workload-api/served-trust.ts';
import { eventually } from '../../harness/process.ts';
import { newFolder, openCa } from '../../harness/proxy.ts';

const nobodyElse = { current: () => [], watch: () => () => {} };

const spiffeId = parseSpiffeId('spiffe://shop.test/web');
const lifeMs = 1000;

/** A CA whose every step the test takes: sources that it has opened, each with how to renew it. */
function fakeCa() {
  let nowMs = 0;
  let serial = 0;
  let broken: Error | undefined;
  const open = new Set<() => void>();
  const next = (): SvidMaterial => {
    const text = String(++serial);
    return { spiffeId, chainPem: text, keyPem: text, serial: text, notBeforeMs: nowMs, notAfterMs: nowMs + lifeMs };
  };
  const source = (): SvidSource => {
    let svid = next();
    const listeners = new Set<(svid: SvidMaterial) => void>();
    const renew = () => {
      svid = next();
      for (const listener of listeners) listener(svid);
    };
    open.add(renew);
    return {
      current: () => svid,
      overdueFromMs: () => nowMs,
      subscribe: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      close: () => void open.delete(renew),
    };
  };
  const kept = keepSvid({
    spiffeId,
    hint: undefined,
    now: () => nowMs,
    open: async () => {
      if (broken !== undefined) throw broken;
      return source();
    },
  });
  return {
    kept,
    openSources: () => open.size,
    renew: () => [...open].forEach((renew) => renew()),
    pass: (ms: number) => (nowMs += ms),
    breaks: (error: Error | undefined) => (broken = error),
  };
}

function watcher() {
  const heard: (string | Error)[] = [];
  return {
    heard,
    changed: () => void heard.push('changed'),
    failed: (error: unknown) => void heard.push(error as Error),
  };
}

test('all who ask at once share one, and are told of its successor', async (t) => {
  const { kept, openSources, renew } = fakeCa();
  const watchers = [watcher(), watcher(), watcher()];
  const held = await Promise.all(watchers.map((one) => kept.watch(one)));
  t.strictSame(
    held.map(({ current }) => current().serial),
    ['1', '1', '1'],
  );
  t.equal(openSources(), 1);
  held[0]?.release();
  renew();
  t.strictSame(
    watchers.map(({ heard }) => heard),
    [[], ['changed'], ['changed']],
  );
  t.equal(held[1]?.current().serial, '2');
});

test('when nobody is told any more, it is kept until it would be renewed, and no longer', async (t) => {
  const { kept, openSources, renew } = fakeCa();
  (await kept.watch(watcher())).release();
  const again = await kept.watch(watcher());
  t.equal(again.current().serial, '1');
  again.release();
  renew();
  t.equal(openSources(), 0);
  t.equal((await kept.watch(watcher())).current().serial, '3');
});

test('one that has ended is given to nobody new, and goes on trying for those who have it', async (t) => {
  const { kept, openSources, pass, breaks } = fakeCa();
  const first = watcher();
  const held = await kept.watch(first);
  pass(lifeMs);
  breaks(new Error('the CA is gone'));
  await t.rejects(kept.watch(watcher()), { message: 'the CA is gone' });
  t.equal(openSources(), 1);
  breaks(undefined);
  await kept.watch(watcher());
  t.equal(openSources(), 1, 'one has taken the place of the other');
  t.equal(held.current().serial, '2');
});

test('one that was revoked is replaced for those who have it, and forgotten when nobody has', async (t) => {
  const { kept, openSources, breaks } = fakeCa();
  const first = watcher();
  const held = await kept.watch(first);
  await kept.replaceIf(({ serial }) => serial === 'other');
  t.strictSame(first.heard, []);
  await kept.replaceIf(({ serial }) => serial === '1');
  t.strictSame([first.heard, held.current().serial], [['changed'], '2']);
  breaks(new Error('the CA is gone'));
  await kept.replaceIf(() => true);
  t.match(first.heard[1], { message: 'the CA is gone' }, 'who cannot have another learns that');
  await t.rejects(kept.watch(watcher()), { message: 'the CA is gone' }, 'and it is given to nobody else');
  held.release();
  await kept.replaceIf(() => true);
  t.equal(openSources(), 0);
});

test('what cannot be recorded is not handed out, and what breaks is told to nobody', async (t) => {
  const folder = newFolder(t);
  const ca = await openCa(folder);
  t.teardown(() => ca.close());
  const { kept } = fakeCa();
  const events: WorkloadApiEvent[] = [];
  const bugs: unknown[] = [];
  let canRecord = false;
  const { guard, recorded } = servedSocket({
    path: `${folder}/api.sock`,
    svids: [kept],
    trust: serveTrust(parseTrustDomain('test.example'), ca.trustBundle, nobodyElse),
    tokens: { authority: ca.jwtAuthority, lifetimeMs: 1000, now: Date.now },
    record: async (event) => {
      events.push(event);
      return canRecord;
    },
    onBug: (cause) => bugs.push(cause),
  });
  const { current } = await kept.watch(watcher());
  const handOut = () => guard('FetchX509SVID', () => recorded(delivery('FetchX509SVID', current())));
  await t.rejects(handOut(), { code: 'UNAVAILABLE', message: /audit-unavailable/ });
  canRecord = true;
  await handOut();
  t.strictSame(
    events.map(({ type }) => type),
    ['svid.deliver', 'svid.refuse', 'svid.deliver'],
  );
  const bug = new Error('a bug');
  await t.rejects(guard('FetchX509SVID', () => Promise.reject(bug)));
  t.strictSame([bugs, events.length], [[bug], 3]);
});

test('a flood of questions is refused, and on record once', async (t) => {
  const folder = newFolder(t);
  const ca = await openCa(folder);
  t.teardown(() => ca.close());
  const events: WorkloadApiEvent[] = [];
  let nowMs = 1_000_000;
  const { guard } = servedSocket({
    path: `${folder}/api.sock`,
    svids: [],
    trust: serveTrust(parseTrustDomain('test.example'), ca.trustBundle, nobodyElse),
    tokens: { authority: ca.jwtAuthority, lifetimeMs: 1000, now: () => nowMs },
    record: async (event) => {
      events.push(event);
      return true;
    },
    onBug: () => undefined,
  });
  const ask = () => guard('FetchX509Bundles', async () => 'served').catch(({ code }: { code: string }) => code);
  const flood = async () => {
    const answers = [];
    for (let question = 0; question < 1000; question++) answers.push(await ask());
    return answers.filter((answer) => answer === 'served').length;
  };
  t.equal(await flood(), 256);
  t.match(events, [{ type: 'svid.refuse', code: 'RESOURCE_EXHAUSTED' }]);
  nowMs += 100;
  t.equal(await flood(), 10, 'one in each hundredth of a second behind them');
  t.equal(events.length, 2);
  nowMs -= 500_000;
  t.equal(await ask(), 'served', 'a clock that was set back shuts nobody out');
});

const method = grpcMethod(SpiffeWorkloadAPI.method.fetchX509Bundles);
const emptyMessage = Buffer.alloc(5);
const answer = message(X509BundlesResponseSchema, { bundles: { big: Buffer.alloc(64 * 1024) } });

test('whoever leaves, at whatever moment, is served no longer; and who does not read is not written to', async (t) => {
  let begun = 0;
  let over = 0;
  let answered = 0;
  const bells = new Set<() => void>();
  const grpc = grpcServer([
    stream(method, async (_, answers) => {
      begun++;
      // What admission takes: the caller may have left by then.
      await turn();
      await keepTold(answers, {
        watch: async ({ changed }) => {
          bells.add(changed);
          return () => void bells.delete(changed);
        },
        answer: async () => {
          answered++;
          return answer;
        },
      });
      over++;
    }),
  ]);
  const path = join(newFolder(t), 's');
  const server = createServer(grpc.accept).listen(path);
  t.teardown(() => server.close());
  t.teardown(grpc.close);
  const session = http2.connect('http://localhost', { createConnection: () => connect(path) });
  t.teardown(() => session.destroy());
  await once(session, 'remoteSettings');
  const ask = () => {
    const headers = { ':method': 'POST', ':path': method.path, 'content-type': 'application/grpc', te: 'trailers' };
    return session.request(headers).on('error', () => undefined);
  };
  for (let call = 0; call < 200; call++) {
    const request = ask();
    request.end(emptyMessage);
    for (let turns = call % 8; turns > 0; turns--) await turn();
    request.close(http2.constants.NGHTTP2_CANCEL);
    await once(request, 'close');
  }
  await eventually(() => begun === over && bells.size === 0);
  t.ok(begun > 100);

  // Flow control lets a few answers through; behind them the newest waits, however often there is news.
  const idle = ask();
  idle.end(emptyMessage);
  await eventually(() => bells.size === 1);
  const before = answered;
  for (let news = 0; news < 1000; news++) {
    for (const ring of bells) ring();
    await turn();
  }
  t.ok(answered - before < 50, `${answered - before} answers are held for who does not read`);
  idle.close(http2.constants.NGHTTP2_CANCEL);
  await eventually(() => begun === over);
});

test('a bell that rings twice before it is heard is heard once, and after its end never', async (t) => {
  const { ring, end, rung } = createBell();
  ring();
  ring();
  t.equal(await rung(), true);
  const next = rung();
  ring();
  t.equal(await next, true);
  ring();
  end();
  t.equal(await rung(), false);
  const broken = createBell();
  const waiting = broken.rung();
  broken.fail(new Error('no successor'));
  await t.rejects(waiting, { message: 'no successor' });
});

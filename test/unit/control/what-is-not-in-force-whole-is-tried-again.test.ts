import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'tap';
import { CertsError } from '../../../certs/errors.ts';
import type { AuditEvent } from '../../../proxy/audit/catalogue.ts';
import type { AuditStream } from '../../../proxy/audit/stream.ts';
import type { Config } from '../../../proxy/config/config.ts';
import type { Problem } from '../../../proxy/control/data-thread.ts';
import type { There } from '../../../proxy/control/fetched.ts';
import { mayPass } from '../../../proxy/control/may-pass.ts';
import { toldOnce } from '../../../proxy/control/told-once.ts';
import { trustAlone, trustFiles } from '../../../proxy/control/trust-alone.ts';
import { tryAgain } from '../../../proxy/control/try-again.ts';
import { readLists } from '../../../proxy/fetch/revocation-lists.ts';
import { snapshotData } from '../../../proxy/snapshot-data.ts';
import { createLog } from '../../../proxy/telemetry/log.ts';
import { makePki } from '../../pki/pki.ts';

void test('ever less often, until it was done whole, and never after the end', (t) => {
  const planned = new Map<() => void, number>();
  const attempts = { count: 0 };
  const { attempted, stop } = tryAgain(
    () => void attempts.count++,
    (delayMs, run) => {
      planned.set(run, delayMs);
      return () => planned.delete(run);
    },
  );
  attempted(true);
  t.equal(planned.size, 0);
  const delays = Array.from({ length: 7 }, () => {
    attempted(false);
    return [...planned.values()];
  });
  t.same(delays, [[1000], [2000], [4000], [8000], [16_000], [30_000], [30_000]], 'one at a time');
  planned.keys().next().value?.();
  t.equal(attempts.count, 1);
  attempted(true);
  t.equal(planned.size, 0, 'nothing is left of it');
  attempted(false);
  t.same([...planned.values()], [1000], 'and it begins anew');
  stop();
  attempted(false);
  t.equal(planned.size, 0);
  t.end();
});

void test('what may pass by itself is told from what stands in a file that is watched', async (t) => {
  const failed = (code: string, errno = -1) => Object.assign(new Error(code), { code, errno, syscall: 'open' });
  const missing = await readFile(join(t.testdir(), 'missing')).catch((cause: unknown) => cause);
  const name = 'x'.repeat(5000);
  const impossible = await stat(name).catch((cause: unknown) => cause);
  t.ok(mayPass(impossible), 'an error of the machine as Node throws it');
  t.ok(mayPass(failed('EMFILE')));
  t.ok(mayPass(new CertsError('state-incomplete', 'crl.pem cannot be read', { cause: failed('ENFILE') })));
  t.ok(mayPass(Object.assign(new Error('a data thread did not answer'), { code: 'thread-busy' })));
  t.notOk(mayPass(missing), 'the watch sees it come');
  t.notOk(mayPass(new CertsError('denylist-invalid', 'line 1')));
  t.notOk(mayPass('no error'));
});

void test('a swap that fails is on record once, and what comes later takes it up', async (t) => {
  const pki = await makePki({ trustDomain: 'shop.example' });
  const next = await makePki({ trustDomain: 'shop.example' });
  const denylistFile = join(t.testdir(), 'denylist');
  await writeFile(denylistFile, '');
  const records: AuditEvent[] = [];
  const lines: string[] = [];
  const crls = [{ kind: 'file', file: '/lists/a.crl', issuerFile: '/lists/a.pem' }] as const;
  const config = { denylistFile, crls, federation: [], issuers: [], loadBalancers: undefined } as unknown as Config;
  t.same(trustFiles(config), [denylistFile, '/lists/a.pem', '/lists/a.crl']);
  const before = snapshotData({
    config,
    policy: { revision: 'r', name: 'n' } as never,
    schemas: new Map(),
    jwks: new Map(),
    introspection: new Map(),
    trust: pki.trust,
    denylist: { file: denylistFile, text: '' },
    lists: [{ source: '/lists/a.crl', issuers: ['a'], crls: [] }],
    policyBad: undefined,
  });
  let lists: There['lists'] = async () => before.lists;
  let trust = next.trust;
  const answers: (Problem | undefined)[] = [];
  const plane = { swap: async () => answers.shift() };
  const told = toldOnce();
  const attempt = () =>
    trustAlone(
      {
        audit: { append: (event: AuditEvent) => void records.push(event) } as unknown as AuditStream,
        log: createLog({ write: (line) => void lines.push(line), now: Date.now, format: 'json' }),
        told,
        identity: { trust: () => trust, jwtBundles: () => new Map() },
        fetched: {
          lists: (given, last) => lists(given, last),
          keys: () => new Map(),
          trust: (_, own) => own,
          readBundles: async () => undefined,
        },
      },
      plane,
      before,
    );
  answers.push({ code: 'thread-busy', message: 'a data thread did not answer' });
  answers.push({ code: 'thread-busy', message: 'a data thread did not answer' });
  for (const _ of [1, 2]) t.match(await attempt(), { inForce: { digest: before.digest }, isWhole: false });
  const reject = { type: 'trust.reject', outcome: 'error', reason: 'thread-busy', snapshot: before.digest };
  t.match(records, [reject], 'once');
  t.match(lines, [/"event":"trust.reject"/]);
  const { inForce, isWhole } = await attempt();
  t.same([inForce.trust, isWhole], [next.trust, true]);
  t.match(records.slice(1), [{ type: 'trust.change' }, { type: 'snapshot.swap' }]);

  trust = pki.trust;
  told.forget();
  await writeFile(denylistFile, 'nonsense');
  t.match(await attempt(), { inForce: { digest: before.digest }, isWhole: true }, 'it is mended by a change only');
  t.match(lines.at(-1), /"event":"trust.unreadable".*denylist/);
  lines.length = 0;
  lists = (given, last) => readLists(given, () => undefined, last);
  t.match(await attempt(), { isWhole: true });
  t.match(lines, [/"event":"trust.unreadable".*a\.pem/], 'a list for which the last one stands in is told of too');
});

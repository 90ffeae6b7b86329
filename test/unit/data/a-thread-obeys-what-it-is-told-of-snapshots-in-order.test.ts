import { type Test, test } from 'tap';
import { snapshotOrders } from '../../../proxy/data/snapshot-orders.ts';

const turn = () => new Promise(setImmediate);
const packed = (name: string) => Buffer.from(name);
const prepare = (digest: string) => ({ do: 'prepare', digest, packed: packed(digest) }) as const;
const commit = (digest: string) => ({ do: 'commit', digest }) as const;
const judgeBy = (name: string) => ({ do: 'judge-by', packed: packed(name) }) as const;

/** A thread whose snapshots are ready when the test says so. */
function thread(t: Test) {
  const compiling: { readonly name: string; readonly done: (problem?: Error) => void }[] = [];
  const inForce: string[] = ['old'];
  const reports: string[] = [];
  const obey = snapshotOrders<string>({
    ready: (bytes) =>
      new Promise((resolve, reject) => {
        const name = Buffer.from(bytes).toString();
        compiling.push({ name, done: (problem) => (problem === undefined ? resolve(name) : reject(problem)) });
      }),
    judgeBy: (name) => inForce.push(name),
    report: ({ digest, problem }) => reports.push(`${digest}: ${problem?.message ?? 'ready'}`),
  });
  const compiled = async (name: string, problem?: Error) => {
    await turn();
    t.equal(compiling.at(-1)?.name, name);
    compiling.pop()?.done(problem);
    await turn();
  };
  return { obey, compiled, inForce, reports, compiling };
}

void test('a commit waits until what it names is prepared', async (t) => {
  const { obey, compiled, inForce, reports } = thread(t);
  obey(prepare('new'));
  obey(commit('new'));
  await turn();
  t.same(inForce, ['old']);
  await compiled('new');
  t.same(inForce, ['old', 'new']);
  t.same(reports, ['new: ready']);
});

void test('one that takes long does not come into force behind a later one', async (t) => {
  const { obey, compiled, inForce, compiling } = thread(t);
  obey(judgeBy('slow'));
  obey(judgeBy('condemned'));
  await turn();
  t.equal(compiling.length, 1, 'one after the other');
  await compiled('slow');
  await compiled('condemned');
  t.same(inForce, ['old', 'slow', 'condemned']);
});

void test('what must be judged by at once leaves what a swap has prepared', async (t) => {
  const { obey, compiled, inForce } = thread(t);
  obey(prepare('new'));
  await compiled('new');
  obey(judgeBy('condemned'));
  obey(commit('new'));
  await compiled('condemned');
  t.same(inForce, ['old', 'condemned', 'new']);
});

void test('what cannot be prepared is not in force, and neither is what was prepared before it', async (t) => {
  const { obey, compiled, inForce, reports } = thread(t);
  obey(prepare('first'));
  await compiled('first');
  obey(prepare('broken'));
  await compiled('broken', new Error('no'));
  for (const digest of ['broken', 'first']) obey(commit(digest));
  await turn();
  t.same(inForce, ['old']);
  t.same(reports, ['first: ready', 'broken: no']);
});

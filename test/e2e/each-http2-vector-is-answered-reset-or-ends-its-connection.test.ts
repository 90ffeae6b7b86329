import { setTimeout as wait } from 'node:timers/promises';
import { type Test, test } from 'tap';
import type { ClientCredential } from '../harness/client.ts';
import { connectHttp2, headFrames, type Http2Client, requestFields, startHttp2Proxy } from '../harness/http2.ts';
import { fieldBlock } from '../harness/http2-blocks.ts';
import {
  type Http2Vector,
  loadHttp2Vectors,
  requestFrames,
  type Step,
  stepFrames,
  textOf,
} from '../harness/http2-vectors.ts';
import { judgedPart, routes, tellsWhatItJudged } from '../harness/judged-request.ts';
import { threadRecords } from '../harness/new-records.ts';
import type { AuditRecord, TestProxy } from '../harness/proxy.ts';
import { type Recorder, startRecorder } from '../harness/recorder.ts';

/**
 * The rules that are HTTP/2's own, one by one. What is malformed is one stream's trouble and has its answer and its record, and
 * the next request of the same connection is served; what can no longer be believed ends the connection, with one record that
 * says so. The workload is told nothing of either.
 */
const nextStream = 101;
const nextRequest = headFrames(nextStream, fieldBlock(requestFields('GET', '/next')), true);

type World = {
  readonly proxy: TestProxy;
  readonly workload: Recorder;
  /** Resolves to the records of requests since the last call, as soon as there are so many. */
  readonly requests: (count: number) => Promise<readonly AuditRecord[]>;
  /** The same of connections that were ended. */
  readonly ends: () => Promise<readonly AuditRecord[]>;
};

void test('vectors', { timeout: 120_000 }, async (t) => {
  const workload = await startRecorder();
  t.teardown(workload.close);
  const proxy = await startHttp2Proxy(t, {
    workloadPort: workload.port,
    config: { routes },
    files: { 'policy/authz.rego': tellsWhatItJudged },
  });
  const world = { proxy, workload, ...recordsOf(proxy) };
  let rows = 0;
  for (const { name, vectors } of loadHttp2Vectors()) {
    await t.test(name, async (group) => {
      for (const vector of vectors) {
        rows += 1;
        await judge(group, world, vector);
      }
    });
  }
  t.ok(rows >= 200, 'rows that nobody has lost');
});

async function judge(t: Test, world: World, vector: Http2Vector): Promise<void> {
  const label = `${vector.ref}: ${vector.name}`;
  const before = { requests: world.workload.hits(), bytes: world.workload.bytes() };
  const client = await send(world.proxy.port, world.proxy.client, vector);
  const { expect } = vector;
  const forwarded = () => world.workload.requests().slice(before.requests).map(judgedPart);
  if ('goaway' in expect) {
    const { goaway, asked = 0, aborted = 0 } = expect;
    await client.untilClosed();
    t.match(client.goAways(), [{ code: goaway }], `${label}: what the client is told`);
    const ends = await world.ends();
    t.match(
      ends,
      [{ reason: 'http2-violation', detail: new RegExp(goaway) }],
      `${label}: one record of the connection`,
    );
    t.equal(ends.length, 1, label);
    const reasons = (await world.requests(asked + aborted)).map(({ reason }) => reason ?? 'served').toSorted();
    const wanted = [...Array<string>(aborted).fill('client-aborted'), ...Array<string>(asked).fill('served')];
    t.same(reasons, wanted, `${label}: the records of requests`);
    t.equal(forwarded().length, asked, `${label}: no further request came whole`);
    if (asked + aborted === 0) t.equal(world.workload.bytes(), before.bytes, `${label}: not a byte`);
    return;
  }
  const answer = await client.untilAnswered(1);
  const record = (await world.requests(1))[0];
  const told = { reason: record?.reason, status: record?.['status'] };
  if ('rst' in expect) {
    t.match(answer, { status: undefined, reset: expect.rst }, label);
    t.match(told, { reason: String, status: undefined }, `${label}: its record`);
    t.same(forwarded(), [], `${label}: no request came whole`);
  } else if ('served' in expect) {
    t.match({ ...answer, told }, { status: 200, ended: true, told: { reason: undefined, status: 200 } }, label);
    t.equal(forwarded().length, 1, label);
  } else if ('forwarded' in expect) {
    t.match({ ...answer, told }, { status: 200, ended: true, told: { reason: undefined, status: 200 } }, label);
    t.same(forwarded(), [{ ...expect.forwarded, headers: expect.forwarded.headers.map(textOf) }], label);
  } else {
    const seen = { status: answer.status, code: codeIn(answer.body), ended: answer.ended };
    t.same(seen, { ...expect, ended: true }, label);
    t.same(told, { reason: expect.code, status: expect.status }, `${label}: its record`);
    t.same(forwarded(), [], `${label}: no request came whole`);
    if (vector.part !== true) t.equal(world.workload.bytes(), before.bytes, `${label}: not a byte`);
  }
  await goesOn(t, world, client, label);
}

/** The stream alone ended. */
async function goesOn(t: Test, world: World, client: Http2Client, label: string): Promise<void> {
  client.write(...nextRequest);
  t.match(await client.untilAnswered(nextStream), { status: 200, ended: true }, `${label}: the next request is served`);
  const records = (await world.requests(1)).map(({ reason, status }) => ({ reason, status }));
  t.same(records, [{ reason: undefined, status: 200 }], `${label}: the record of the next request`);
  client.close();
}

async function send(port: number, credential: ClientCredential, vector: Http2Vector): Promise<Http2Client> {
  const { preface, frames } = vector;
  const client = await connectHttp2(port, credential, preface === undefined ? {} : { opening: 'nothing' });
  if (preface !== undefined) client.write(Buffer.from(textOf(preface), 'latin1'));
  if (frames === undefined) client.write(...requestFrames(vector));
  else await sendSteps(client, frames);
  return client;
}

/** In one write as far as nothing has to be waited for: what stands behind an error must not be read. */
async function sendSteps(client: Http2Client, steps: readonly Step[]): Promise<void> {
  let together: Buffer[] = [];
  for (const step of steps) {
    if (!('answered' in step)) {
      together.push(...stepFrames(step));
      continue;
    }
    client.write(...together);
    together = [];
    await client.untilAnswered(step.answered);
  }
  client.write(...together);
}

function recordsOf({ folder }: TestProxy): Pick<World, 'requests' | 'ends'> {
  const read = threadRecords(folder);
  const kept = { requests: [] as AuditRecord[], ends: [] as AuditRecord[] };
  const until = async (kind: keyof typeof kept, count: number) => {
    while (true) {
      const fresh = read();
      kept.requests.push(...fresh.filter((record) => 'object' in record));
      kept.ends.push(...fresh.filter(({ type }) => type === 'tls.end'));
      if (kept[kind].length >= count) return kept[kind].splice(0);
      await wait(1);
    }
  };
  return { requests: (count) => until('requests', count), ends: () => until('ends', 1) };
}

function codeIn(body: string): string | undefined {
  return body.startsWith('{') ? (JSON.parse(body) as { readonly code?: string }).code : undefined;
}

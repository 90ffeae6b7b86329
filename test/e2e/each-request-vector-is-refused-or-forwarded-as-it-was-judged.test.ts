import { type Test, test } from 'tap';
import { type DenialCode, denialRow } from '../../proxy/denial.ts';
import { parseAnswers } from '../harness/answers.ts';
import { cutAnywhere } from '../fuzz/mutate.ts';
import { connectRaw } from '../harness/client.ts';
import { exchangeRecords } from '../harness/new-records.ts';
import { judgedPart, routes, tellsWhatItJudged } from '../harness/judged-request.ts';
import { type AuditRecord, startProxy, type TestProxy } from '../harness/proxy.ts';
import { below, oneOf, seeded } from '../harness/random.ts';
import { type Recorded, type Recorder, startRecorder } from '../harness/recorder.ts';
import { bytesOf, loadVectors, type Vector } from '../harness/http1-vectors.ts';

/**
 * The oracle of THREATS section 1 for every vector (1.1, 1.2 and 1.7 as far as HTTP/1.1 can express them). Behind each
 * one another request is sent in the same write: it must be served after a request that was forwarded or merely
 * denied, and never be read after one whose framing is gone.
 */
const next = Buffer.from('GET /next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
const nextForwarded = { line: 'GET /next HTTP/1.1', headers: ['host: localhost'], body: '' };
const nextRecorded = { reason: undefined, status: 200, target: '/next' };

void test('vectors', async (t) => {
  const workload = await startRecorder();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { routes },
    files: { 'policy/authz.rego': tellsWhatItJudged },
  });
  const newRecords = exchangeRecords(proxy.folder);
  const codes = new Map<string, number>();
  const run = async (group: Test, vector: Vector, pieces: readonly Buffer[]) => {
    const wanted = expected(vector);
    for (const { reason = 'ok' } of wanted.records) codes.set(reason, (codes.get(reason) ?? 0) + 1);
    const seen = await send(proxy, workload, [vector], pieces);
    // A chunk that turns out malformed may follow good ones that have left: the workload has a part, but no request.
    const part = pieces.length > 1 && wanted.codes[0] === 'malformed-chunk' ? { bytesWithoutRequest: 0 } : {};
    group.same({ ...seen, ...part, records: newRecords().map(ofInterest) }, wanted, `${vector.ref}: ${vector.name}`);
  };
  const groups = loadVectors();
  for (const { name, vectors } of groups) {
    await t.test(name, async (group) => {
      for (const vector of vectors) await run(group, vector, [Buffer.concat([bytesOf(vector), next])]);
    });
  }
  // A client that waits for 100 would be sent one between two pieces; another test does that.
  for (const { name, vectors } of groups.filter((group) => group.name !== 'expect')) {
    await t.test(`${name}, in two pieces`, async (group) => {
      for (const [index, vector] of vectors.entries()) {
        const bytes = Buffer.concat([bytesOf(vector), next]);
        const cut = 1 + ((index * 37) % (bytes.length - 1));
        await run(group, vector, [bytes.subarray(0, cut), bytes.subarray(cut)]);
      }
    });
  }
  await t.test('one behind the other, in pieces of any size', async (pipelines) => {
    const random = seeded(1);
    const all = groups.flatMap(({ name, vectors }) => (name === 'expect' ? [] : vectors.filter(isShort)));
    const goesOn = all.filter((vector) => expected(vector).statuses.length > 1);
    for (let round = 0; round < 30; round += 1) {
      const before = Array.from({ length: 1 + below(random, 6) }, () => oneOf(random, goesOn));
      const sent = [...before, oneOf(random, all)];
      const wanted = expectedOfAll(sent);
      for (const { reason = 'ok' } of wanted.records) codes.set(reason, (codes.get(reason) ?? 0) + 1);
      const seen = await send(proxy, workload, sent, cutAnywhere(Buffer.concat([...sent.map(bytesOf), next]), random));
      const name = sent.map((vector) => vector.name).join(', then ');
      pipelines.same({ ...seen, bytesWithoutRequest: 0, records: newRecords().map(ofInterest) }, wanted, name);
    }
  });
  const { body: metrics } = await proxy.admin('/metrics');
  for (const [code, count] of codes) t.equal(counted(metrics, code), count, `metric of ${code}`);
});

/** What the three witnesses saw: the client, the workload, the audit. */
type Seen = {
  readonly statuses: readonly number[];
  readonly codes: readonly (string | undefined)[];
  /** `connection` of the last answer. */
  readonly last: string | undefined;
  readonly forwarded: readonly Recorded[];
  readonly bytesWithoutRequest: number;
  readonly records: readonly RecordPart[];
};

type RecordPart = { readonly reason: string | undefined; readonly status: unknown; readonly target: string };

function expected(vector: Vector): Seen {
  const { expect, closes = false } = vector;
  if ('forwarded' in expect) {
    const { forwarded } = expect;
    const record = { reason: undefined, status: 200, target: forwarded.line.split(' ')[1] ?? '' };
    const more = closes ? { forwarded: [], records: [] } : { forwarded: [nextForwarded], records: [nextRecorded] };
    return {
      statuses: closes ? [200] : [200, 200],
      codes: closes ? [undefined] : [undefined, undefined],
      last: 'close',
      forwarded: [forwarded, ...more.forwarded],
      bytesWithoutRequest: 0,
      records: [record, ...more.records],
    };
  }
  const { status, code } = expect;
  const last = denialRow(code as DenialCode).close;
  return {
    statuses: last ? [status] : [status, 200],
    codes: [isHead(vector) ? undefined : code, ...(last ? [] : [undefined])],
    last: 'close',
    forwarded: last ? [] : [nextForwarded],
    bytesWithoutRequest: 0,
    records: [{ reason: code, status, target: targetIn(vector) }, ...(last ? [] : [nextRecorded])],
  };
}

/** Of a pipeline, in which only behind the last one nothing may be read. */
function expectedOfAll(vectors: readonly Vector[]): Seen {
  const each = vectors.map(expected);
  const of = <Part>(part: (seen: Seen) => readonly Part[]): readonly Part[] =>
    each.flatMap((seen, index) => (index < each.length - 1 ? part(seen).slice(0, -1) : part(seen)));
  return {
    statuses: of(({ statuses }) => statuses),
    codes: of((seen) => seen.codes),
    last: 'close',
    forwarded: of(({ forwarded }) => forwarded),
    bytesWithoutRequest: 0,
    records: of(({ records }) => records),
  };
}

const isShort = (vector: Vector): boolean => bytesOf(vector).length < 2000;

/** As received, whatever was refused behind it; nothing where the first line is none, or longer than a head may be. */
function targetIn(vector: Vector): string {
  const [line = ''] = bytesOf(vector).toString('latin1').split('\r\n');
  const [, target = ''] = /^[\w!#$%&'*+.^`|~-]+ ([\x21-\x7e]+) HTTP\/1\.1$/.exec(line) ?? [];
  return vector.recorded ?? (line.length < 16 * 1024 - 1 ? target : '');
}

function isHead(vector: Vector): boolean {
  return bytesOf(vector).toString('latin1').startsWith('HEAD ');
}

async function send(
  proxy: TestProxy,
  workload: Recorder,
  vectors: readonly Vector[],
  pieces: readonly Buffer[],
): Promise<Omit<Seen, 'records'>> {
  const before = { requests: workload.hits(), bytes: workload.bytes() };
  const client = await connectRaw(proxy.port, proxy.client);
  for (const piece of pieces) client.write(piece);
  const methods = vectors.map((vector) => (isHead(vector) ? 'HEAD' : ''));
  const answers = parseAnswers(await client.untilClosed(), methods);
  const forwarded = workload.requests().slice(before.requests);
  return {
    statuses: answers.map(({ status }) => status),
    codes: answers.map(({ headers, body }) =>
      headers.get('content-type') === 'application/problem+json' && body !== ''
        ? (JSON.parse(body) as { code: string }).code
        : undefined,
    ),
    last: answers.at(-1)?.headers.get('connection'),
    forwarded: forwarded.map(judgedPart),
    bytesWithoutRequest: forwarded.length === 0 ? workload.bytes() - before.bytes : 0,
  };
}

function ofInterest(record: AuditRecord): RecordPart {
  const { object } = record as unknown as { object: { target: string } };
  return { reason: record.reason, status: record['status'], target: object.target };
}

function counted(metrics: string, code: string): number {
  const lines = metrics.split('\n').filter((line) => line.startsWith('portcullis_requests_total{'));
  return lines
    .filter((line) => line.includes(`code="${code}"`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

import { test } from 'tap';
import { parseAnswers } from '../harness/answers.ts';
import { type ClientCredential, connectRaw } from '../harness/client.ts';
import { bytesOf, loadVectors, type Vector } from '../harness/http1-vectors.ts';
import { connectHttp2, headFrames, type Http2Client, startHttp2Proxy } from '../harness/http2.ts';
import { type Field, fieldBlock } from '../harness/http2-blocks.ts';
import { frame } from '../harness/http2-frames.ts';
import { type Twin, twinOf } from '../harness/http2-twin.ts';
import { judgedPart, routes, tellsWhatItJudged } from '../harness/judged-request.ts';
import { exchangeRecords, untilRecords } from '../harness/new-records.ts';
import type { AuditRecord } from '../harness/proxy.ts';
import { startRecorder } from '../harness/recorder.ts';

/**
 * THREATS 1.2: a proxy that speaks two protocols must not have two meanings. Each vector of HTTP/1.1 that HTTP/2 can say is sent
 * over both; client, workload and audit see the same.
 */
const crumbs = 'RFC 9113 section 8.2.3: lines of Cookie are crumbs of one, not two that contradict each other';
const differs: Readonly<Record<string, string>> = { 'Cookie twice': crumbs };

/** A connection that is kept for more would be closed for its age in requests. */
const perConnection = 40;

void test('the vectors of HTTP/1.1, said over HTTP/2', { timeout: 120_000 }, async (t) => {
  const workload = await startRecorder();
  t.teardown(workload.close);
  const proxy = await startHttp2Proxy(t, {
    workloadPort: workload.port,
    config: { routes },
    files: { 'policy/authz.rego': tellsWhatItJudged },
  });
  const newRecords = exchangeRecords(proxy.folder);
  /** What all three witnesses saw of one request. */
  const witnessed = async (ask: () => Promise<Told>) => {
    const before = workload.hits();
    const told = await ask();
    const records = await untilRecords(newRecords, 1);
    return { ...told, forwarded: workload.requests().slice(before).map(judgedPart), records: records.map(compared) };
  };
  const client = keptClient(proxy.port, proxy.client);
  let compareds = 0;
  for (const { name, vectors } of loadVectors()) {
    await t.test(name, async (group) => {
      for (const vector of vectors) {
        const twin = twinOf(vector);
        if (twin === undefined) continue;
        const over1 = await witnessed(() => askHttp1(proxy.port, proxy.client, vector));
        const over2 = await witnessed(async () => askHttp2(await client(), twin));
        compareds += 1;
        if (vector.name in differs) group.not(over2.status, over1.status, differs[vector.name] ?? '');
        else group.same(over2, over1, `${vector.ref}: ${vector.name}`);
      }
    });
  }
  t.ok(compareds > 500, `${compareds} requests compared`);
});

type Told = {
  readonly status: number | undefined;
  readonly headers: readonly string[];
  readonly body: unknown;
};

/** Of a connection of HTTP/1.1, or of no meaning for the comparison. */
const notCompared = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date', 'x-portcullis-id']);

function told(status: number | undefined, headers: ReadonlyMap<string, string>, body: string): Told {
  const listed = [...headers].filter(([name]) => !notCompared.has(name)).map(([name, value]) => `${name}: ${value}`);
  const isProblem = headers.get('content-type') === 'application/problem+json' && body !== '';
  const { id: _, ...problem } = isProblem ? (JSON.parse(body) as Readonly<Record<string, unknown>>) : {};
  return {
    status,
    headers: listed.filter((line) => !isProblem || !line.startsWith('content-length:')),
    body: isProblem ? problem : body,
  };
}

async function askHttp1(port: number, credential: ClientCredential, vector: Vector): Promise<Told> {
  const client = await connectRaw(port, credential);
  const bytes = bytesOf(vector);
  const method = bytes.toString('latin1').split(' ')[0] ?? '';
  client.write(bytes);
  const final = (text: string) => {
    try {
      return parseAnswers(text, [method]).find(({ status }) => status >= 200);
    } catch {
      return undefined;
    }
  };
  const text = await client.until((soFar) => final(soFar) !== undefined);
  client.close();
  const answer = final(text);
  return told(answer?.status, answer?.headers ?? new Map(), answer?.body ?? '');
}

let stream = -1;

async function askHttp2(client: Http2Client, { fields, body, trailers }: Twin): Promise<Told> {
  stream += 2;
  const hasBody = body !== '' || trailers.length > 0;
  client.write(...headFrames(stream, fieldBlock(fields), !hasBody), ...bodyFrames(body, trailers));
  const { status, headers, body: answered } = await client.untilAnswered(stream);
  return told(status, headers, answered);
}

function bodyFrames(body: string, trailers: readonly Field[]): readonly Buffer[] {
  const last = trailers.length === 0;
  const data = body === '' ? [] : [frame('DATA', last ? ['END_STREAM'] : [], stream, Buffer.from(body, 'latin1'))];
  return last ? data : [...data, ...headFrames(stream, fieldBlock(trailers), true)];
}

/** The connection for the next request; a new one now and then, on which streams begin anew. */
function keptClient(port: number, credential: ClientCredential): () => Promise<Http2Client> {
  let client: Http2Client | undefined;
  let asked = 0;
  return async () => {
    if (client === undefined || client.closed() || asked % perConnection === 0) {
      client?.close();
      client = await connectHttp2(port, credential);
      stream = -1;
    }
    asked += 1;
    return client;
  };
}

/** Of a record all that is not of its time, its connection or its protocol. */
function compared(record: AuditRecord): unknown {
  const { type, outcome, reason, status, route, rule, object, peer, dst } = record as Readonly<Record<string, unknown>>;
  return { type, outcome, reason, status, route, rule, object, peer, dst };
}

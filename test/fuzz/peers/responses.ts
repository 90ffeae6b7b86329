import { Client } from 'undici';
import type { Bench } from '../../../bench/run.ts';
import { readResponse } from '../read-response.ts';
import { goodAndOddResponses } from '../response-subject.ts';
import { responseRefusals } from '../response-rules.ts';
import { ruleOf } from '../rule.ts';
import type { Subject } from '../subject.ts';
import { startNginx } from './nginx.ts';
import { type OneAnswer, startOneAnswer } from './one-answer.ts';
import { type Difference, peerRuleOf } from './peer-rules.ts';

/** A response as a peer read it, or why it did not; fields where the peer tells them as they came. */
type PeerResponse =
  | { readonly status: number; readonly headers?: readonly string[]; readonly body: string }
  | { readonly refused: string };

/** undici's client over a socket. */
export async function undiciResponses(t: Bench): Promise<Subject> {
  const workload = await startOneAnswer(t);
  return responses('undici', async (bytes) => {
    workload.set(bytes);
    const client = new Client(`http://127.0.0.1:${workload.port}`, { headersTimeout: 5000, bodyTimeout: 5000 });
    try {
      const { statusCode, headers, body } = await client.request({ path: '/', method: 'GET', responseHeaders: 'raw' });
      const fields = headers as unknown as readonly (Buffer | string)[];
      const text = Buffer.from(await body.arrayBuffer()).toString('latin1');
      return { status: statusCode, headers: fields.map((each) => each.toString('latin1')), body: text };
    } catch (cause) {
      return { refused: String(cause) };
    } finally {
      await client.destroy();
    }
  });
}

/** What nginx passes on of an answer: it writes fields of its own, so status and body alone are compared. */
export async function nginxResponses(t: Bench): Promise<Subject> {
  const workload: OneAnswer = await startOneAnswer(t);
  const send = await startNginx(t, workload.port);
  return responses('nginx', async (bytes) => {
    workload.set(bytes);
    const text = await send(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
    const reading = readResponse([Buffer.from(text, 'latin1')], 'GET');
    if ('refused' in reading) return { refused: reading.detail };
    const { status } = reading.head;
    return status === 502 ? { refused: '502' } : { status, body: reading.body };
  });
}

function responses(peer: string, ask: (bytes: Buffer) => Promise<PeerResponse>): Subject {
  return {
    name: `responses, ${peer}`,
    corpus: goodAndOddResponses,
    read: (pieces) => readResponse(pieces, 'GET'),
    compare: async (bytes) => {
      const ours = readResponse([bytes], 'GET');
      if ('refused' in ours) {
        const theirs = await ask(bytes);
        if ('refused' in theirs) return { verdict: 'both-refuse', mark: '' };
        const rule = ruleOf(responseRefusals, ours);
        if (rule !== undefined) return { verdict: 'rule', rule };
        return { verdict: 'unlisted', what: `${JSON.stringify(ours)}, ${peer} reads ${JSON.stringify(theirs)}` };
      }
      const theirs = await ask(bytes.subarray(0, bytes.length - ours.left.length));
      const difference = differs({ ...ours.head, body: ours.body }, theirs);
      if (difference === undefined) return { verdict: 'both-accept', mark: '' };
      const rule = peerRuleOf(bytes, difference);
      if (rule !== undefined) return { verdict: 'rule', rule };
      return { verdict: 'unlisted', what: `we read ${JSON.stringify(ours)}, ${peer} ${JSON.stringify(theirs)}` };
    },
  };
}

type OurResponse = { readonly status: number; readonly headers: readonly string[]; readonly body: string };

function differs(ours: OurResponse, theirs: PeerResponse): Difference | undefined {
  if ('refused' in theirs) return 'refused';
  if (theirs.status !== ours.status) return 'other line';
  if (theirs.body !== ours.body) return 'other body';
  const same = theirs.headers === undefined || JSON.stringify(theirs.headers) === JSON.stringify(ours.headers);
  return same ? undefined : 'less fields';
}

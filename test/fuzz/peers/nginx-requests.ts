import { normaliseHeaders, ownHeaders } from '../../../proxy/normalise/headers.ts';
import type { Bench } from '../../../bench/run.ts';
import { type Recorded, startRecorder } from '../../harness/recorder.ts';
import { readRequest, type WholeRequest } from '../read-request.ts';
import { goodAndOddRequests, judgeRequest, ownNames } from '../request-subject.ts';
import type { Outcome, Subject } from '../subject.ts';
import { requestRefusals } from '../request-rules.ts';
import { ruleOf } from '../rule.ts';
import { startNginx } from './nginx.ts';
import { type Difference, peerRuleOf } from './peer-rules.ts';

const markerLine = 'GET /marker HTTP/1.1';
const marker = `${markerLine}\r\nHost: marker\r\nConnection: close\r\n\r\n`;
/** nginx writes these anew, as we do; what a client says in the last of them is for its own connection. */
const notCompared = /^(host|connection|content-length|transfer-encoding):/;

/** What nginx forwards of requests, next to what we would. */
export async function nginxRequests(t: Bench): Promise<Subject> {
  const workload = await startRecorder();
  t.teardown(workload.close);
  const send = await startNginx(t, workload.port);
  return {
    name: 'requests, nginx',
    corpus: goodAndOddRequests,
    read: (pieces) => readRequest(pieces),
    compare: async (bytes) => {
      const before = workload.hits();
      await send(Buffer.concat([bytes, Buffer.from(marker)]));
      return judge(bytes, workload.requests().slice(before));
    },
  };
}

function judge(bytes: Buffer, theirs: readonly Recorded[]): Outcome {
  const ours = judgeRequest(bytes);
  const forwarded = theirs.filter(({ line }) => line !== markerLine);
  if (!('head' in ours)) {
    if (forwarded.length === 0) return { verdict: 'both-refuse', mark: '' };
    const rule = 'refused' in ours ? ruleOf(requestRefusals, ours) : undefined;
    if (rule !== undefined) return { verdict: 'rule', rule };
    return { verdict: 'unlisted', what: `${JSON.stringify(ours)}, nginx forwards ${JSON.stringify(forwarded)}` };
  }
  const difference = differs(ours, theirs);
  if (difference === undefined) return { verdict: 'both-accept', mark: '' };
  const rule = peerRuleOf(bytes, difference);
  if (rule !== undefined) return { verdict: 'rule', rule };
  return {
    verdict: 'unlisted',
    what: `we forward ${JSON.stringify(ours)}, nginx ${JSON.stringify(theirs)}: ${difference}`,
  };
}

/** In which way nginx's requests are not what we would have sent, the gravest first. */
function differs(ours: WholeRequest, [first, ...more]: readonly Recorded[]): Difference | undefined {
  if (first === undefined) return 'refused';
  const { method, target, headers, closes } = ours.head;
  if (first.line === markerLine) return 'refused';
  if (first.line !== `${method} ${target} HTTP/1.1`) return 'other line';
  if (first.body !== ours.body) return 'other body';
  if (closes ? more.length > 0 : more.length !== 1 || more[0]?.line !== markerLine) return 'other end';
  const normalised = normaliseHeaders(headers, ownHeaders(ownNames));
  if ('code' in normalised) return 'refused';
  const { headers: sent } = normalised;
  const wanted = sent
    .flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${sent[index + 1]}`] : []))
    .filter(isCompared);
  const got = first.headers.map(lowerName).filter(isCompared);
  if (!wanted.every((line) => got.includes(line))) return 'less fields';
  return got.length === wanted.length ? undefined : 'more fields';
}

function isCompared(line: string): boolean {
  return !notCompared.test(line);
}

function lowerName(line: string): string {
  const colon = line.indexOf(':');
  return line.slice(0, colon).toLowerCase() + line.slice(colon);
}

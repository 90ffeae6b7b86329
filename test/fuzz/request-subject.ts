import { type Denial, deny } from '../../proxy/denial.ts';
import type { HeaderList } from '../../proxy/header-list.ts';
import { normaliseHeaders, ownHeaders } from '../../proxy/normalise/headers.ts';
import { readAuthority } from '../../proxy/normalise/authority.ts';
import { readTarget } from '../../proxy/normalise/target.ts';
import { bytesOf, loadVectors } from '../harness/http1-vectors.ts';
import { good } from '../harness/mutations.ts';
import type { NodeReading, NodeReadings } from './llhttp.ts';
import { startLlhttp } from './llhttp.ts';
import { type Reading, readRequest, type WholeRequest } from './read-request.ts';
import type { Outcome, Subject } from './subject.ts';
import { requestDifferences, requestRefusals } from './request-rules.ts';
import { ruleOf } from './rule.ts';

export const ownNames = ['x-spiffe-id', 'x-forwarded-client-cert'];
const own = ownHeaders(ownNames);

type JudgedHead = { readonly method: string; readonly target: string; readonly headers: HeaderList };

export const goodAndOddRequests: readonly Buffer[] = [
  ...good.map((text) => Buffer.from(text, 'latin1')),
  ...loadVectors().flatMap((group) => group.vectors.map(bytesOf)),
];

/** What the reader and the normaliser make of some bytes: what the router, the limits and policy refuse comes later. */
export function judgeRequest(bytes: Buffer): Reading {
  const reading = readRequest([bytes]);
  if (!('head' in reading)) return reading;
  const refused = judgeHead(reading.head);
  return refused === undefined ? reading : { refused: refused.code, detail: refused.detail ?? '' };
}

/** The part that is the same over every protocol. @returns why it is refused */
export function judgeHead({ method, target, headers }: JudgedHead): Denial | undefined {
  if (method === 'CONNECT') return deny('upgrade-not-allowed', { detail: 'CONNECT' });
  const read = readTarget(target);
  const normalised = 'code' in read ? read : normaliseHeaders(headers, own);
  const authority = 'code' in normalised ? normalised : readAuthority(normalised.hosts, undefined);
  return typeof authority === 'string' ? undefined : authority;
}

/** What stands behind the message: whoever finds another end of it does not find this. */
const marker = 'GET /marker HTTP/1.1\r\nHost: marker\r\n\r\n';
const markerRead: NodeReading = { method: 'GET', target: '/marker', headers: ['Host', 'marker'], body: '' };

/** Our reader of requests and llhttp's, over the same bytes. */
export function requestSubject(): Subject {
  const readWithNode = startLlhttp();
  return {
    name: 'requests',
    corpus: goodAndOddRequests,
    read: (pieces) => readRequest(pieces),
    compare: async (bytes) => {
      const ours = judgeRequest(bytes);
      if (!('head' in ours)) return judgeRefused(ours, await readWithNode(bytes));
      const { method, target, headers } = ours.head;
      const first = { method, target, headers, body: ours.body };
      const message = bytes.subarray(0, bytes.length - ours.left.length);
      // llhttp refuses bytes behind `Connection: close`; we drop them.
      const whole = ours.head.closes ? message : Buffer.concat([message, Buffer.from(marker)]);
      const wanted: NodeReadings = { requests: ours.head.closes ? [first] : [first, markerRead], refused: false };
      const theirs = await readWithNode(whole);
      if (JSON.stringify(theirs) === JSON.stringify(wanted)) return { verdict: 'both-accept', mark: wayOf(ours) };
      const rule = requestDifferences.find(({ when }) => when(ours));
      if (rule !== undefined) return { verdict: 'rule', rule: rule.name };
      return unlisted(`we read ${JSON.stringify(wanted)}, llhttp ${JSON.stringify(theirs)}`);
    },
  };
}

function wayOf({ head: { method, headers, framing, expectsContinue, closes }, body }: WholeRequest): string {
  return [method, headers.length, framing.kind, expectsContinue, closes, body.length > 0].join();
}

function judgeRefused(ours: Exclude<Reading, WholeRequest>, { requests }: NodeReadings): Outcome {
  const mark = JSON.stringify(ours);
  const [first] = requests;
  if (first === undefined) return { verdict: 'both-refuse', mark };
  if ('more' in ours) return unlisted(`we wait for more, llhttp reads ${JSON.stringify(first)}`);
  const rule = ruleOf(requestRefusals, ours);
  if (rule === undefined) return unlisted(`we refuse it (${mark}), llhttp reads ${JSON.stringify(first)}`);
  return { verdict: 'rule', rule };
}

function unlisted(what: string): Outcome {
  return { verdict: 'unlisted', what };
}

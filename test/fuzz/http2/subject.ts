import { ruleOf } from '../rule.ts';
import type { Outcome, Subject } from '../subject.ts';
import { type Differences, differencesOf } from './compare.ts';
import { goodAndOddConnections } from './corpus.ts';
import { accidentsOfFrames } from './frame-accidents.ts';
import { readWithNghttp2 } from './nghttp2.ts';
import { type ConnectionReading, readConnection } from './read-connection.ts';
import { http2Differences, http2Refusals } from './rules.ts';

/** Our connection of HTTP/2 and Node's nghttp2, over the same bytes of a client. */
export function http2Subject(): Subject {
  return {
    name: 'http2 connections',
    corpus: goodAndOddConnections,
    accidents: accidentsOfFrames,
    read: async (pieces) => {
      const { written, ...reading } = await readConnection(pieces);
      return { ...reading, written: written.toString('hex') };
    },
    compare: async (bytes) => {
      const ours = await readConnection([bytes]);
      if (ours.bugs.length > 0) return { verdict: 'unlisted', what: `a bug of ours: ${ours.bugs.join()}` };
      const theirs = await readWithNghttp2(bytes, ours.violated !== undefined);
      return judge(ours, differencesOf(bytes, ours, theirs));
    },
  };
}

function judge(ours: ConnectionReading, { looser, stricter, accepted, refused }: Differences): Outcome {
  const unheard = looser.find((difference) => !http2Differences.some(({ when }) => when(difference)));
  if (unheard !== undefined)
    return { verdict: 'unlisted', what: `we take what nghttp2 does not: ${JSON.stringify(unheard)}` };
  const unargued = stricter.find((refusal) => ruleOf(http2Refusals, refusal) === undefined);
  if (unargued !== undefined)
    return { verdict: 'unlisted', what: `we refuse what nghttp2 takes: ${JSON.stringify(unargued)}` };
  const [first] = looser;
  if (first !== undefined)
    return { verdict: 'rule', rule: http2Differences.find(({ when }) => when(first))?.name ?? '' };
  const [refusal] = stricter;
  if (refusal !== undefined) return { verdict: 'rule', rule: ruleOf(http2Refusals, refusal) ?? '' };
  return { verdict: accepted > 0 ? 'both-accept' : 'both-refuse', mark: wayOf(ours, accepted, refused) };
}

function wayOf({ requests, violated }: ConnectionReading, accepted: number, refused: number): string {
  const ways = requests.map(({ head, state, body }) => [
    'code' in head ? (head.detail?.replace(/, field \d+$/, '') ?? head.code) : 'good',
    state,
    body !== undefined,
  ]);
  return JSON.stringify([violated, ways.slice(0, 2), Math.min(accepted, 3), Math.min(refused, 3)]);
}

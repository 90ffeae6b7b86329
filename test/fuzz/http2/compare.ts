import { fieldValues } from '../../../proxy/header-list.ts';
import { FrameReader, codeName, isType } from '../../harness/http2-frames.ts';
import { judgeHead } from '../request-subject.ts';
import type { Refusal } from '../rule.ts';
import { openedStreams } from './client-frames.ts';
import type { PeerReading, PeerRequest } from './nghttp2.ts';
import type { ConnectionReading, ServedRequest } from './read-connection.ts';

/** Something that we take and nghttp2 does not, or not as the same. */
export type Looser = {
  readonly what: 'request' | 'connection';
  /** Of a request: what of it is another one there, or in which way it ended there. */
  readonly how: string;
  /** The code and the words with which it ended the connection, and what Node says of it. */
  readonly end: string;
  /** Whether we have refused or reset a stream ourselves. */
  readonly faulted: boolean;
};

export type Differences = {
  readonly looser: readonly Looser[];
  /** What nghttp2 takes and we refuse. */
  readonly stricter: readonly Refusal[];
  /** Requests that both take, and what both refuse. */
  readonly accepted: number;
  readonly refused: number;
};

/** Where two readings of the same bytes differ, stream by stream, and at the end of the connection. */
export function differencesOf(bytes: Buffer, ours: ConnectionReading, theirs: PeerReading): Differences {
  const streams = openedStreams(bytes);
  const resets = ownResets(ours.written);
  const violated = violationOf(ours);
  const end = `${theirs.goaway ?? ''}, ${theirs.cause}`;
  const faulted = resets.size > 0 || ours.requests.some((request) => refusalOf(request) !== undefined);
  const looser: Looser[] = [];
  const stricter: Refusal[] = [];
  let accepted = 0;
  let refused = 0;
  for (const [index, request] of ours.requests.entries()) {
    const id = streams[index] ?? 0;
    const refusal = refusalOf(request) ?? endedBy(request, resets.get(id), violated);
    const peer = theirs.requests.get(id);
    const taken = peer !== undefined && !theirs.resets.has(id);
    if (refusal !== undefined) {
      if (taken && (theirs.ended ? peer.whole && request.state !== 'whole' : refusal.refused !== 'client-aborted')) {
        stricter.push(refusal);
      } else refused += 1;
      continue;
    }
    const how = taken ? difference(request, peer, theirs.ended) : (reset(theirs, id) ?? 'absent');
    if (how !== undefined) looser.push({ what: 'request', how, end, faulted });
    else accepted += 1;
  }
  const more = [...theirs.requests.keys()].filter((id) => !streams.slice(0, ours.requests.length).includes(id));
  const unread: Refusal = { refused: 'unread', detail: `streams ${more.join()}` };
  if (more.length > 0 || (violated !== undefined && !theirs.ended)) stricter.push(violated ?? unread);
  else if (violated !== undefined) refused += 1;
  if (violated === undefined && theirs.ended) {
    looser.push({ what: 'connection', how: 'ended', end, faulted });
  }
  return { looser, stricter, accepted, refused };
}

/** What the reader and the normaliser refuse: the router, the limits and policy come later. */
function refusalOf({ head, line }: ServedRequest): Refusal | undefined {
  if ('code' in head) return { refused: head.code, detail: head.detail ?? '' };
  const judged = judgeHead({ method: line?.method ?? '', target: line?.target ?? '', headers: head.headers });
  return judged === undefined ? undefined : { refused: judged.code, detail: judged.detail ?? '' };
}

/** Of a body that failed: why. What the client reset has failed for both. */
function endedBy(
  { state }: ServedRequest,
  reset: number | undefined,
  violated: Refusal | undefined,
): Refusal | undefined {
  if (reset !== undefined) return { refused: `RST_STREAM ${codeName(reset)}`, detail: state };
  if (state === 'whole' || state === 'open') return undefined;
  if (state === 'client-aborted') return violated ?? { refused: state, detail: 'by its client' };
  return { refused: state, detail: 'inside the body' };
}

function violationOf({ violated }: ConnectionReading): Refusal | undefined {
  if (violated === undefined) return undefined;
  const [refused = '', ...detail] = violated.split(': ');
  return { refused, detail: detail.join(': ') };
}

function ownResets(written: Buffer): ReadonlyMap<number, number> {
  const frames = new FrameReader().read(written).filter((frame) => isType(frame, 'RST_STREAM'));
  return new Map(frames.map(({ stream, payload }) => [stream, payload.readUInt32BE(0)]));
}

/** @returns undefined where both have the same request */
function difference(
  { line, head, body = '', state }: ServedRequest,
  peer: PeerRequest,
  ended: boolean,
): string | undefined {
  const { headers } = head as { readonly headers: readonly string[] };
  const pseudo = (name: string) => fieldValues(peer.headers, name)[0];
  if (line?.method !== pseudo(':method') || line?.target !== pseudo(':path')) return 'another line';
  const hosts = [':authority', 'host'].flatMap((name) => fieldValues(peer.headers, name));
  if (!same([...new Set(hosts)], [...new Set(fieldValues(headers, 'host'))])) return 'another host';
  const cookies = (list: readonly string[]) => fieldValues(list, 'cookie').join('; ');
  if (cookies(peer.headers) !== cookies(headers)) return 'other cookies';
  if (!same(otherFields(peer.headers), otherFields(headers))) return 'other fields';
  if (ended && !peer.whole && body.startsWith(peer.body))
    return state === 'whole' || body !== peer.body ? 'cut' : undefined;
  // What may be the last piece waits until it is known to be that.
  if (state === 'open' ? !peer.body.startsWith(body) : peer.body !== body) return 'another body';
  return peer.whole === (state === 'whole') ? undefined : 'another end';
}

function reset({ resets }: PeerReading, id: number): string | undefined {
  const code = resets.get(id);
  return code === undefined ? undefined : `reset ${codeName(code)}`;
}

function otherFields(list: readonly string[]): readonly string[] {
  return list.filter((_, index) => !/^(:.*|host|cookie)$/.test(list[index - (index % 2)] ?? ''));
}

const same = (left: readonly string[], right: readonly string[]) => JSON.stringify(left) === JSON.stringify(right);

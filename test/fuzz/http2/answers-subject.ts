import type { TLSSocket } from 'node:tls';
import { deny } from '../../../proxy/denial.ts';
import { type Http2Host, Http2Connection } from '../../../proxy/http2/connection.ts';
import { below, type Random, seeded } from '../../harness/random.ts';
import { cutAnywhere } from '../mutate.ts';
import type { Outcome, Subject } from '../subject.ts';
import { Answering } from './answering.ts';
import { type SentFrame, sentFrames } from './client-frames.ts';
import { ClientView } from './client-view.ts';
import { goodAndOddConnections } from './corpus.ts';
import { accidentsOfFrames } from './frame-accidents.ts';
import { limits } from './read-connection.ts';
import { aTurn, Wire } from './wire.ts';

/** The window of a stream, which bounds what waits of it; what that costs with the memory around tiny pieces. */
const mostWaiting = { bytes: 65_535, weight: 256 * 1024 + 16_384 + 128 };
/**
 * What a client that takes nothing makes us keep: 64 KiB that a socket takes, one head of 20 kB, one frame, and what
 * needs no turn.
 */
const mostWritten = 128 * 1024;

type Run = {
  readonly wire: Wire;
  readonly view: ClientView;
  readonly served: Answering[];
  readonly faults: string[];
  readonly connection: Http2Connection;
  readonly later: (ms: number) => void;
};

/**
 * A connection whose requests are answered at once or late, whole or in part, to a client that does not always read.
 */
export function http2AnswersSubject(): Subject {
  return {
    name: 'http2 answers',
    corpus: goodAndOddConnections,
    accidents: accidentsOfFrames,
    // When what comes meets which answer depends on the cuts; that they change no request is tried next to nghttp2.
    read: () => ({}),
    compare: async (bytes): Promise<Outcome> => {
      const { faults, mark } = await runConnection(bytes);
      const [what] = faults;
      return what === undefined ? { verdict: 'both-accept', mark } : { verdict: 'unlisted', what };
    },
  };
}

/** What happens beside the bytes is drawn from the last of them: a finding stays one while it is made shorter. */
export async function runConnection(
  bytes: Buffer,
): Promise<{ readonly faults: readonly string[]; readonly mark: string }> {
  const plan = bytes.at(-1) ?? 0;
  const random = seeded(plan);
  const run = startRun(plan);
  await aTurn();
  await feed(run, bytes, random);
  const cut = below(random, 8);
  if (cut === 0) run.wire.push(null);
  if (cut === 1) run.wire.destroy();
  if (cut === 2) run.connection.breakOff(deny('client-aborted'));
  await finish(run);
  return { faults: [...run.faults, ...run.view.faults, ...faultsAtEnd(run)], mark: markOf(run) };
}

function startRun(plan: number): Run {
  const wire = new Wire();
  const view = new ClientView();
  const served: Answering[] = [];
  const faults: string[] = [];
  let now = 0;
  // Of some, the listener wants the end: for their age or number, or since their identity has ended.
  const endsAt = plan % 4 === 0 ? 100 : Number.POSITIVE_INFINITY;
  const isUnidentifiedAt = plan % 7 === 0 ? 1000 : Number.POSITIVE_INFINITY;
  const ownLimits = plan % 5 === 0 ? { ...limits, maxRequestsPerConnection: 2 } : limits;
  wire.onWritten = (bytes) => view.received(bytes);
  const host: Http2Host = {
    limits: () => ownLimits,
    now: () => now,
    maxStreams: 3,
    serve: (request) => {
      const answering = new Answering(request, plan);
      served.push(answering);
      answering.begin();
    },
    mustClose: () => now > endsAt,
    ended: () => (now > isUnidentifiedAt ? deny('identity-expired') : undefined),
    bug: (cause) => faults.push(`a bug: ${cause instanceof Error ? cause.stack : String(cause)}`),
    violated: () => undefined,
  };
  const connection = new Http2Connection(wire as unknown as TLSSocket, host);
  return { wire, view, served, faults, connection, later: (ms) => (now += ms) };
}

async function feed(run: Run, bytes: Buffer, random: Random): Promise<void> {
  const { wire, view, served, connection, later } = run;
  const untold = whereFramesEnd(bytes);
  let at = 0;
  for (const piece of cutAnywhere(bytes, random)) {
    at += piece.length;
    while ((untold[0]?.end ?? at + 1) <= at) view.sent(untold.shift()?.frame as SentFrame);
    if (wire.destroyed) return;
    wire.push(piece);
    if (random() < 0.3) wire.stuck = random() < 0.5;
    if (random() < 0.5) await aTurn();
    if (random() < 0.5) for (const each of served) each.step();
    later(below(random, 200));
    if (random() < 0.3) connection.sweep();
    look(run);
  }
}

function whereFramesEnd(bytes: Buffer): { readonly frame: SentFrame; readonly end: number }[] {
  const { frames, rest } = sentFrames(bytes);
  let end = bytes.length - rest.length - frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
  return frames.map((frame) => ({ frame, end: (end += frame.bytes.length) }));
}

function look({ served, faults, wire }: Run): void {
  for (const { waiting } of served) {
    if (waiting.bytes > mostWaiting.bytes || waiting.weight > mostWaiting.weight) {
      faults.push(`${waiting.bytes} bytes wait, which weigh ${waiting.weight}`);
    }
  }
  if (wire.writableLength > mostWritten) faults.push(`${wire.writableLength} bytes wait for the client`);
}

/** Everybody does what is left to do; then time passes, until all that waits for the client has had its time. */
async function finish(run: Run): Promise<void> {
  const { wire, served, connection, later } = run;
  wire.stuck = false;
  for (let round = 0; round < 12; round += 1) {
    // Who takes a body of tiny pieces one by one has many.
    const steps = round === 0 && served.some(({ isOver }) => !isOver) ? 60 : 3;
    for (let step = 0; step < steps; step += 1) {
      await aTurn();
      for (const each of served) each.step();
    }
    look(run);
    later(round < 4 ? 50 : 16_000);
    connection.sweep();
  }
  await aTurn();
}

function faultsAtEnd({ wire, view, served }: Run): readonly string[] {
  const faults: string[] = [];
  const { answers } = view;
  for (const { lastWords, bodyEnds, sentPieces, writtenPieces } of served) {
    if (sentPieces > writtenPieces) faults.push('a piece that has left twice');
    if (lastWords !== 1) faults.push(`${lastWords} last words`);
    if (bodyEnds.length > 1) faults.push(`a body that ends twice: ${bodyEnds.join()}`);
  }
  // Only a connection on which nothing is under way is left of itself.
  if (!wire.writableEnded && !wire.destroyed) faults.push('a connection that does not end');
  if (!wire.destroyed && view.unfinished > 0) faults.push('a frame that is not whole');
  for (const { ended, number, dataBytes } of answers.values()) {
    const answering = served[Number(number) - 1];
    if (ended && dataBytes !== (answering?.contentBytes ?? 0))
      faults.push(`${dataBytes} bytes of ${answering?.contentBytes} and END_STREAM`);
  }
  wire.destroy();
  return faults;
}

function markOf({ view, served }: Run): string {
  const ends = served.map(({ kind, bodyEnds }) => `${kind} ${bodyEnds.join()}`);
  return `${[...view.kinds].sort().join()} | ${[...new Set(ends)].slice(0, 3).join()}`;
}

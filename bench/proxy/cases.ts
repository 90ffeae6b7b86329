import { join } from 'node:path';
import { ProxyError } from '../../proxy/errors.ts';
import type { Generator } from '../load/generator.ts';
import type { LoadRequest } from '../load/load-request.ts';
import { TargetLost } from '../load/pool.ts';
import { type Credential, type Target, targetText } from '../load/target.ts';
import type { LoadOutcome } from '../load/tally.ts';
import { failuresOf } from '../report/figures.ts';
import type { Figure, SubjectResult } from '../result.ts';
import type { Bench } from '../run.ts';
import { alwaysOn, type Rung, rungsOf } from './filters.ts';
import { withCosts } from './filter-costs.ts';
import { type Contender, measureCase, type Measured } from './measure.ts';
import { type MeasuredProxy, type Setting, startMeasuredProxy } from './measured-proxy.ts';
import type { Request } from './request.ts';
import type { Settings } from './settings.ts';

/** Everything that stands ready before the first request. */
export type Site = {
  readonly request: Request;
  readonly requests: readonly LoadRequest[];
  readonly folder: string;
  readonly show: (progress: string) => void;
  readonly generator: Generator;
  readonly credential: Credential;
  readonly allowAllFolder: string;
  readonly workload: Target;
  readonly settings: Settings;
  readonly setting: Setting;
};

/** Who takes part, with the requests that it answers as the workload does. */
type Party = Pick<Contender, 'name' | 'about' | 'proxy'> & {
  readonly target: Target;
  readonly requests: readonly LoadRequest[];
};

export async function measureCases(t: Bench, site: Site): Promise<Measured & { readonly isComplete: boolean }> {
  const { request } = site;
  site.show('asking the workload');
  const direct = await directParty(site);
  site.show('starting the proxy');
  const whole = await proxyParty(t, site, { name: 'portcullis', about: '', settings: site.settings }, direct.requests);
  const measured: Measured[] = [];
  for (const rate of request.rates) measured.push(await fixedRate(site, [direct, whole], rate));
  measured.push(await atTheLimit(site, 'as fast as they can', [direct, whole]));
  if (request.handshakes) measured.push(await newConnections(site, [direct, whole]));
  if (request.filters) measured.push(await ladder(t, site, direct.requests));
  const subjects = measured.flatMap((each) => each.subjects);
  const failed = subjects.filter((each) => failuresOf(each) > 0);
  const notes = [...measured.flatMap((each) => each.notes), ...failed.map(failureNote), ...always];
  return { subjects, notes, isComplete: failed.length === 0 && measured.every((each) => each.subjects.length > 0) };
}

const always = [
  'the proxy ran with quotas and limits raised so that load is let through, and wrote its audit into the temporary folder of this machine',
];

function failureNote({ name, case: at, ...result }: SubjectResult): string {
  return `${at}, ${name}: ${failuresOf({ name, case: at, ...result })} requests failed and are not in the latencies`;
}

async function directParty(site: Site): Promise<Party> {
  const { workload, request } = site;
  const requests = await asAnswered(site, workload).catch((cause: unknown) => {
    if (!(cause instanceof TargetLost)) throw cause;
    throw new ProxyError('bench-workload-absent', `the workload does not answer at ${cause.message}`, { cause });
  });
  return {
    name: 'direct',
    about: `${request.workload} workload, plain HTTP`,
    proxy: undefined,
    target: workload,
    requests,
  };
}

/** Each request, expecting the status that it is answered with now. Throws TargetLost. */
async function asAnswered({ generator, requests }: Site, target: Target): Promise<readonly LoadRequest[]> {
  const connection = await generator.connect(target, 1);
  const answered: LoadRequest[] = [];
  for (const each of requests) {
    const outcome = await connection.closedLoop([each], { requests: 1 });
    if (outcome.lost !== undefined) throw new TargetLost(`${targetText(target)}: ${outcome.lost}`);
    answered.push({ ...each, expect: statusOf(outcome) });
  }
  await connection.close();
  return answered;
}

function statusOf({ failures }: LoadOutcome): number {
  return Number(/^status (\d+)$/.exec(Object.keys(failures)[0] ?? '')?.[1] ?? 200);
}

/** Starts a proxy and makes sure that it answers as the workload does. Throws ProxyError. */
async function proxyParty(t: Bench, site: Site, rung: Rung, requests: readonly LoadRequest[]): Promise<Party> {
  const { credential, setting, folder } = site;
  const proxy = await startMeasuredProxy(t, rung.settings, join(folder, rung.name.replaceAll(/\W+/g, '-')), setting);
  const target: Target = { kind: 'tls', host: '127.0.0.1', port: proxy.port, credentials: [credential] };
  const seen = await asAnswered(site, target).catch((cause: unknown) => {
    if (!(cause instanceof TargetLost)) throw cause;
    throw new ProxyError('bench-request-refused', `the proxy hung up on the client: ${cause.message}`, { cause });
  });
  const odd = requests.findIndex(({ expect }, index) => seen[index]?.expect !== expect);
  const one = requests[odd];
  if (one !== undefined) {
    const answers = `the proxy answers ${seen[odd]?.expect}, and the workload itself ${one.expect}`;
    throw new ProxyError('bench-request-refused', `${one.method} ${one.path}: ${answers}`);
  }
  return { name: rung.name, about: rung.about || threadsText(proxy), proxy, target, requests };
}

function threadsText({ threads }: MeasuredProxy): string {
  return threads === 1 ? 'one data thread' : `${threads} data threads`;
}

/** Opens everybody's connections, has them measured and closes them again. */
async function onConnections(
  site: Site,
  name: string,
  parties: readonly Party[],
  load: (connections: Connections, requests: readonly LoadRequest[], seconds: number) => Promise<LoadOutcome>,
): Promise<Measured> {
  const { generator, request, show } = site;
  const opened: Connections[] = [];
  const contenders: Contender[] = [];
  for (const party of parties) {
    const connections = await generator.connect(party.target, request.connections).catch((cause: unknown) => {
      if (!(cause instanceof TargetLost)) throw cause;
      throw new ProxyError('bench-target-lost', `${name}, ${party.name}: ${cause.message}`, { cause });
    });
    opened.push(connections);
    contenders.push({ ...party, load: (warmUp) => load(connections, party.requests, secondsOf(request, warmUp)) });
  }
  const measured = await measureCase({ name, contenders, rounds: request.rounds, show });
  for (const connections of opened) await connections.close();
  return measured;
}

type Connections = Awaited<ReturnType<Generator['connect']>>;

function secondsOf({ seconds }: Request, warmUp: boolean): number {
  return warmUp ? Math.min(seconds, 1) : seconds;
}

function fixedRate(site: Site, parties: readonly Party[], ratePerSecond: number): Promise<Measured> {
  return onConnections(site, `${ratePerSecond} per second`, parties, (connections, requests, seconds) =>
    connections.openLoop(requests, { ratePerSecond, seconds, lagBoundMs: site.request.lagBoundMs }),
  );
}

function atTheLimit(site: Site, name: string, parties: readonly Party[]): Promise<Measured> {
  return onConnections(site, name, parties, (connections, requests, seconds) =>
    connections.closedLoop(requests, { seconds }),
  );
}

/** Handshakes under way at once: more would only wait for the one thread that makes them. */
const handshakesAtOnce = 8;

async function newConnections(site: Site, parties: readonly Party[]): Promise<Measured> {
  const { generator, request, show } = site;
  const atOnce = Math.min(handshakesAtOnce, request.connections);
  const contenders = parties.map((party): Contender => {
    const load = (warmUp: boolean) =>
      generator.newConnections(party.target, party.requests, { atOnce, seconds: secondsOf(request, warmUp) });
    return { ...party, load };
  });
  const extra = ({ rounds }: Pick<SubjectResult, 'rounds'>): readonly Figure[] => {
    const sorted = rounds.map(({ perSecond }) => perSecond).toSorted((a, b) => a - b);
    return [{ name: 'connections made', value: sorted[sorted.length >> 1] ?? 0, unit: 'per second' }];
  };
  return measureCase({ name: 'a new connection for each request', contenders, rounds: request.rounds, extra, show });
}

async function ladder(t: Bench, site: Site, requests: readonly LoadRequest[]): Promise<Measured> {
  const parties: Party[] = [];
  const notes = [`filters: ${alwaysOn}`];
  for (const rung of rungsOf(site.settings, site.allowAllFolder)) {
    site.show(`starting ${rung.name}`);
    try {
      parties.push(await proxyParty(t, site, rung, requests));
    } catch (cause) {
      if (!(cause instanceof ProxyError && cause.code === 'bench-request-refused')) throw cause;
      notes.push(`filters, ${rung.name}: left out, because ${cause.message}`);
    }
  }
  const measured = await atTheLimit(site, 'filters switched on one after the other', parties);
  return { subjects: withCosts(measured.subjects), notes: [...notes, ...measured.notes] };
}

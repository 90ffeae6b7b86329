import { Agent, request } from 'node:https';

export type LoadRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type LoadOptions = {
  readonly port: number;
  readonly credential: { readonly certPem: string; readonly keyPem: string };
  /** Kept alive, each with at most one request on it. */
  readonly connections: number;
  /** Asked before each request, with the number of the request and the time since the start. */
  readonly goesOn: (started: number, elapsedMs: number) => boolean;
  /** All connections together. Without it the next request follows each answer at once. */
  readonly ratePerSecond?: number;
  readonly request?: (number: number) => LoadRequest;
};

/** An answer that came whole. */
export type LoadAnswer = { readonly status: number; readonly id: string; readonly latencyMs: number };

export type LoadResult = {
  readonly answers: readonly LoadAnswer[];
  /** Why each request that got no whole answer got none. */
  readonly failures: readonly string[];
  readonly elapsedMs: number;
};

const justGet = (): LoadRequest => ({ method: 'GET', path: '/load' });

/** Real clients over mutual TLS, until `goesOn` says no; nothing is retried, so that no failure is hidden. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const { connections, goesOn, ratePerSecond, request: next = justGet } = options;
  const answers: LoadAnswer[] = [];
  const failures: string[] = [];
  const beganMs = performance.now();
  const elapsedMs = () => performance.now() - beganMs;
  let started = 0;
  const lane = async (agent: Agent) => {
    while (goesOn(started, elapsedMs())) {
      const number = started++;
      if (ratePerSecond !== undefined) await pause((number * 1000) / ratePerSecond - elapsedMs());
      await exchange(options, agent, next(number)).then(
        (answer) => answers.push(answer),
        (cause: unknown) => failures.push(cause instanceof Error ? cause.message : String(cause)),
      );
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: connections }, () => lane(keepAlive())));
  return { answers, failures, elapsedMs: elapsedMs() };
}

function keepAlive(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 });
}

function pause(ms: number): Promise<void> | undefined {
  return ms <= 0 ? undefined : new Promise((resolve) => setTimeout(resolve, ms));
}

function exchange({ port, credential }: LoadOptions, agent: Agent, wanted: LoadRequest): Promise<LoadAnswer> {
  const { method, path, headers = {}, body = '' } = wanted;
  const beganMs = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request({
      agent,
      host: '127.0.0.1',
      port,
      method,
      path,
      cert: credential.certPem,
      key: credential.keyPem,
      // Whom it talks to is not what a load generator is there to ask.
      rejectUnauthorized: false,
      headers: { host: 'localhost', ...headers, ...(body === '' ? {} : { 'content-length': Buffer.byteLength(body) }) },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const { statusCode: status = 0, headers: received } = response;
      response.on('error', reject);
      response.on('end', () => {
        if (!response.complete) return reject(new Error(`an answer of status ${status} was cut short`));
        const id = String(received['x-portcullis-id'] ?? '');
        return resolve({ status, id, latencyMs: performance.now() - beganMs });
      });
      response.resume();
    });
    outgoing.end(body);
  });
}

/** The value below which this share of them lies; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

import { createSecureContext, rootCertificates } from 'node:tls';
import { Agent, request } from 'undici';
import { clientTls } from '../fips/approved.ts';
import { inWords, judgedConnect, judgedLookup, refused } from './download.ts';
import type { Network } from './network.ts';

export type FormServer = {
  /** https, by name. */
  readonly url: string;
  readonly authorization: string;
  readonly maxBytes: number;
  /** For all of it: name, connection, answer. */
  readonly timeoutMs: number;
  readonly maxConnections: number;
};

/**
 * POSTs forms to one URL and takes JSON, whole or not at all, under the rules of `download`. Connections are kept for as long as
 * there is something to ask, and end by themselves soon after. What is called throws ProxyError `fetch-refused` or `fetch-failed`.
 */
export function openFormServer(
  { url, authorization, maxBytes, timeoutMs, maxConnections }: FormServer,
  network: Network,
): (form: URLSearchParams) => Promise<Uint8Array> {
  const { checkServerIdentity, ...lists } = clientTls(network.algorithms);
  // Read once, not for each connection. What the environment adds to the roots of Node was taken out of another thread only.
  const secureContext = createSecureContext({ ...lists, ca: network.rootsPem ?? [...rootCertificates] });
  const dispatcher = new Agent({
    connect: judgedConnect(
      {
        secureContext,
        ...(checkServerIdentity === undefined ? {} : { checkServerIdentity }),
        lookup: judgedLookup(network.mayAsk),
        timeout: timeoutMs,
      },
      new URL(url).hostname,
    ),
    connections: maxConnections,
    // A connection that is always busy outlives the certificate that it began with, so it has an end.
    maxRequestsPerClient: 1000,
    keepAliveTimeout: 2000,
    keepAliveMaxTimeout: 2000,
    maxResponseSize: maxBytes,
    maxHeaderSize: 16_384,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  const headers = { authorization, accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
  return async (form) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const asked = { dispatcher, signal, method: 'POST', headers, body: form.toString() } as const;
    const answer = await request(url, asked)
      .then(async (one) => ({ ...one, bytes: await one.body.bytes() }))
      .catch((cause: unknown) => {
        throw inWords(url, { maxBytes, maxMs: timeoutMs }, cause);
      });
    const wrong = problemOf(answer);
    if (wrong !== undefined) throw refused(url, wrong);
    return answer.bytes;
  };
}

type Answered = Pick<Awaited<ReturnType<typeof request>>, 'statusCode' | 'headers'>;

function problemOf({ statusCode, headers }: Answered): string | undefined {
  if (statusCode !== 200) return `the answer has the status ${statusCode}`;
  if (headers['content-encoding'] !== undefined) return 'the answer is encoded';
  const type = headers['content-type'];
  return typeof type === 'string' && /^application\/json(?: *;|$)/i.test(type) ? undefined : 'the answer is not JSON';
}

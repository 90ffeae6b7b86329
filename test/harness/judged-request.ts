import { createHash } from 'node:crypto';
import { clientId } from './proxy.ts';
import type { Recorded } from './recorder.ts';

/** Of the vectors: methods with and without a body, and one path where every method may have one. */
export const routes = [
  { name: 'any', methods: ['GET', 'HEAD', 'DELETE', 'OPTIONS'], path: '/{rest...}' },
  { name: 'any.write', methods: ['POST', 'PUT', 'PATCH'], path: '/{rest...}', body: 'stream' },
  { name: 'any.body', methods: ['GET', 'DELETE', 'OPTIONS'], path: '/body/{rest...}', body: 'stream' },
];
/** Tells the workload what it has judged, so that the two can be compared for each request. */
export const tellsWhatItJudged = `package portcullis.authz

http := input.attributes.request.http

fields := sort([sprintf("%s: %s", [name, value]) | some name, value in http.headers; not startswith(name, ":"); name != "host"])

judged := concat("\\n", array.concat([http.method, http.path, http.host], fields))

default decision := {"allow": false}

decision := {"allow": true, "headers": {"x-judged": crypto.sha256(judged)}} if input.attributes.source.principal == "${clientId}"
`;
/** Takes off what the proxy adds to a request, after checking that each of it is there once and says what is true. */
export function judgedPart({ line, headers, body }: Recorded): Recorded {
  const told = headers.filter((header) => header.startsWith('x-judged: '));
  // The length is judged where the client declared one; where it did not, the framing is the proxy's own.
  const judged = [headers, headers.filter((header) => !header.startsWith('content-length: '))];
  if (!judged.some((fields) => told.join() === `x-judged: ${digestOf(line, fields)}`)) {
    return { line, headers: ['policy judged something else than the workload received', ...headers], body };
  }
  const received = headers.filter((header) => !told.includes(header));
  return withoutAdded({ line, headers: received, body });
}

/** Coding and connection are the proxy's own, and the id is elsewhere in what policy sees. */
const notJudged = /^(x-judged|x-portcullis-id|transfer-encoding|connection): /;

/** What policy would say of the very bytes that the workload received. */
function digestOf(line: string, headers: readonly string[]): string {
  const [method = '', target = ''] = line.split(' ');
  const fields = new Map<string, string>();
  for (const header of headers.filter((each) => !notJudged.test(each))) {
    const [name = '', value = ''] = header.split(/: (.*)/s);
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before},${value}`);
  }
  const host = fields.get('host') ?? '';
  fields.delete('host');
  const sorted = [...fields].map(([name, value]) => `${name}: ${value}`).toSorted();
  return createHash('sha256')
    .update([method, target, host, ...sorted].join('\n'))
    .digest('hex');
}

function withoutAdded({ line, headers, body }: Recorded): Recorded {
  const from = headers.findIndex((header) => header.startsWith('x-spiffe-id: '));
  const added = headers.slice(from);
  const wanted = [
    /^x-spiffe-id: (.*)$/,
    /^x-forwarded-client-cert: By=spiffe:\/\/test\.example\/ns\/t\/sa\/proxy;Hash=[0-9a-f]{64};Subject="[^"]*";URI=(.*)$/,
    /^x-forwarded-for: (.*)$/,
    /^x-forwarded-proto: (.*)$/,
    /^x-portcullis-id: [0-9a-f-]{36}$/,
  ].map((pattern, index) => pattern.exec(added[index] ?? ''));
  const values = wanted.map((match) => (match === null ? 'missing' : match[1]));
  if (JSON.stringify(values) !== JSON.stringify([clientId, clientId, '127.0.0.1', 'https', undefined])) {
    return { line, headers: ['the fields that the proxy adds are not as they should be', ...headers], body };
  }
  const framing = added.slice(wanted.length);
  if (framing.length > 1 || framing.some((header) => !/^(content-length|transfer-encoding): /.test(header))) {
    return { line, headers: ['something behind the fields that the proxy adds', ...headers], body };
  }
  return {
    line,
    headers: headers.slice(0, from).filter((header) => !/^connection: (keep-alive|close)$/.test(header)),
    body,
  };
}

import { readFile } from 'node:fs/promises';
import type { Config, RouteConfig } from '../../proxy/config/config.ts';
import { ProxyError } from '../../proxy/errors.ts';
import type { LoadRequest } from '../load/load-request.ts';
import { readEntries } from '../policy/inputs/json-file.ts';
import type { GivenRequests } from './request.ts';

/** What is to be sent. Throws ProxyError. */
export async function givenRequests(given: GivenRequests | undefined, config: Config): Promise<readonly LoadRequest[]> {
  if (given === undefined) return [firstGet(config)];
  if (given.kind === 'file') return (await readEntries(given.file)).map(({ name, value }) => requestOf(name, value));
  if (given.bodyFile === undefined) return [given.request];
  const body = await readFile(given.bodyFile).catch((cause: NodeJS.ErrnoException) => {
    throw unusable(`${given.bodyFile} cannot be read (${cause.code})`);
  });
  return [withType({ ...given.request, body })];
}

function firstGet({ routes }: Config): LoadRequest {
  const route = routes.find(({ methods }) => methods.includes('GET'));
  if (route === undefined) throw unusable('no route takes GET: name the request with --target, --method and --body');
  return { method: 'GET', path: pathOf(route) };
}

function pathOf({ path }: RouteConfig): string {
  return path.replaceAll(/\{[^}]*\}/g, '1');
}

const members = new Set(['target', 'method', 'header', 'body']);

function requestOf(name: string, value: unknown): LoadRequest {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unusable(`${name} is no JSON object`);
  const odd = Object.keys(value).find((member) => !members.has(member));
  if (odd !== undefined)
    throw unusable(`${name}: a request has ${[...members].join(', ')}, and no ${JSON.stringify(odd)}`);
  const { target, method, header = [], body } = value as Readonly<Record<string, unknown>>;
  if (typeof target !== 'string' || !/^\/[!-~]*$/.test(target))
    throw unusable(`${name}: target is no path such as /orders`);
  if (body !== undefined && typeof body !== 'string') throw unusable(`${name}: body is no text`);
  const verb = method ?? (body === undefined ? 'GET' : 'POST');
  if (typeof verb !== 'string' || !/^[A-Z]+$/.test(verb)) throw unusable(`${name}: method is none, such as GET`);
  const lines = Array.isArray(header) ? (header as readonly unknown[]) : [header];
  const headers = Object.fromEntries(lines.map((line) => headerOf(name, line)));
  return body === undefined
    ? { method: verb, path: target, headers }
    : withType({ method: verb, path: target, headers, body });
}

function headerOf(name: string, line: unknown): readonly [string, string] {
  const [, field, value] =
    typeof line === 'string' ? (/^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t -~]*)$/.exec(line) ?? []) : [];
  if (field === undefined || value === undefined) throw unusable(`${name}: header is a list of texts NAME: VALUE`);
  return [field.toLowerCase(), value];
}

/** Bodies here are JSON unless somebody says otherwise: that is what there are schemas for. */
function withType(request: LoadRequest): LoadRequest {
  return { ...request, headers: { 'content-type': 'application/json', ...request.headers } };
}

function unusable(message: string): ProxyError {
  return new ProxyError('bench-input-unusable', message);
}

/** For the name of the measurement, by which two runs are found comparable. */
export function requestsText(requests: readonly LoadRequest[]): string {
  const [first] = requests;
  if (first === undefined || requests.length > 1) return `${requests.length} requests in turns`;
  const { length = 0 } = first.body ?? {};
  return `${first.method} ${first.path}${length === 0 ? '' : ` with ${length} bytes`}`;
}

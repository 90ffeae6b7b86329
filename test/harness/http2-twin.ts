import { bytesOf, type Vector } from './http1-vectors.ts';
import type { Field } from './http2-blocks.ts';

/** The same request over HTTP/2. */
export type Twin = { readonly fields: readonly Field[]; readonly body: string; readonly trailers: readonly Field[] };

/** Fields that HTTP/2 has no place for (RFC 9113 section 8.2.2): its own vectors say what becomes of them. */
const ofConnection = /^(connection|keep-alive|proxy-connection|upgrade|transfer-encoding)$/;

/**
 * Says over HTTP/2 what a vector says over HTTP/1.1; undefined where it cannot be said: what is wrong with it is the syntax of
 * HTTP/1.1, or a field of its connections. Bytes that no HTTP/1.1 field can have stay as they are: HTTP/2 can carry all of them.
 */
export function twinOf(vector: Vector): Twin | undefined {
  const text = bytesOf(vector).toString('latin1');
  const headEnd = text.indexOf('\r\n\r\n');
  const [line = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const [, method, target] = /^([^ ]*) (.*) HTTP\/1\.1$/s.exec(line) ?? [];
  if (headEnd === -1 || method === undefined || target === undefined) return undefined;
  if ('code' in vector.expect && vector.expect.code === 'malformed-chunk') return undefined;
  const said = lines.map(fieldOf);
  if (!said.every((field) => field !== undefined)) return undefined;
  const codings = said.filter(([name]) => name === 'transfer-encoding');
  const isChunked = codings.length === 1 && codings[0]?.[1] === 'chunked';
  const fields = isChunked ? said.filter(([name]) => name !== 'transfer-encoding') : said;
  if (fields.some(([name, value]) => ofConnection.test(name) || (name === 'te' && value !== 'trailers')))
    return undefined;
  // RFC 9113 section 8.5: what CONNECT asks for is its authority, and there is no other form.
  if (method === 'CONNECT' && target !== onlyHost(fields)) return undefined;
  const rest = text.slice(headEnd + 4);
  const content = isChunked ? unchunked(rest) : { body: rest, trailers: [] };
  if (content === undefined || (isChunked && fields.some(([name]) => name === 'content-length'))) return undefined;
  return { fields: [...pseudoFields(method, target, fields), ...withoutOnlyHost(fields)], ...content };
}

/** A tab beside the value is refused where it stands beside the framing: of the white space itself HTTP/2 knows nothing. */
function fieldOf(line: string): Field | undefined {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon).toLowerCase();
  const value = line.slice(colon + 1);
  if (colon === -1 || /^[ \t]/.test(line) || /[\r\n]/.test(line)) return undefined;
  if (/^(content-length|transfer-encoding)$/.test(name) && /^ *\t|\t *$/.test(value)) return undefined;
  return [name, value.replace(/^[ \t]+|[ \t]+$/g, '')];
}

/** Two hosts stay two: `:authority` takes the place of one alone. */
const onlyHost = (fields: readonly Field[]): string | undefined => {
  const hosts = fields.filter(([name]) => name === 'host');
  return hosts.length === 1 ? hosts[0]?.[1] : undefined;
};

function withoutOnlyHost(fields: readonly Field[]): readonly Field[] {
  return onlyHost(fields) === undefined ? fields : fields.filter(([name]) => name !== 'host');
}

function pseudoFields(method: string, target: string, fields: readonly Field[]): readonly Field[] {
  const host = onlyHost(fields);
  const authority: readonly Field[] = host === undefined ? [] : [[':authority', host]];
  if (method === 'CONNECT') return [[':method', method], ...authority];
  return [[':method', method], [':scheme', 'https'], ...authority, [':path', target]];
}

/** The content of whole chunks and nothing behind them; undefined of all else. */
function unchunked(text: string): Pick<Twin, 'body' | 'trailers'> | undefined {
  let body = '';
  let rest = text;
  for (;;) {
    const [line = '', digits = ''] = /^([0-9a-fA-F]{1,8})\r\n/.exec(rest) ?? [];
    if (digits === '') return undefined;
    const size = Number.parseInt(digits, 16);
    rest = rest.slice(line.length);
    if (size === 0) break;
    body += rest.slice(0, size);
    if (rest.slice(size, size + 2) !== '\r\n') return undefined;
    rest = rest.slice(size + 2);
  }
  const end = rest.startsWith('\r\n') ? 0 : rest.indexOf('\r\n\r\n') + 2;
  if (end === 1 || rest.length !== end + 2) return undefined;
  const trailers = rest
    .slice(0, Math.max(0, end - 2))
    .split('\r\n')
    .filter((line) => line !== '');
  const fields = trailers.map(fieldOf);
  return fields.every((field) => field !== undefined) ? { body, trailers: fields } : undefined;
}

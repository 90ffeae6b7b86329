import { type Denial, deny } from '../denial.ts';
import { fieldValues, type HeaderList } from '../header-list.ts';
import { canonicalLength, isFieldValue, isLowerCaseToken, isToken, isVisible } from '../message-grammar.ts';
import { mayBeInTrailer } from '../trailer-fields.ts';
import type { FieldBlock } from './hpack/kept-fields.ts';

export type RequestLine = { readonly method: string; readonly target: string };

export type RequestHead = RequestLine & {
  /** As HTTP/1.1 would have them: `host` first, cookies in one line. */
  readonly headers: HeaderList;
  readonly declaredBytes: number | undefined;
  /** The client waits for a 100 before it sends the body. */
  readonly expectsContinue: boolean;
};

/** What stands before the body; of what is refused, the line as far as it could be read: the record is to name it. */
export type FoundHead = { readonly head: RequestHead | Denial; readonly line: RequestLine | undefined };

const pseudoFields = [':method', ':scheme', ':authority', ':path'] as const;
type Pseudo = Partial<Record<(typeof pseudoFields)[number], string>>;

/** They are about one connection of HTTP/1.1; here they could only be meant for a server behind (RFC 9113 section 8.2.2). */
const ofConnection: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Reads the head of a request (RFC 9113 section 8.3). @param endStream whether no body follows */
export function readRequestHead(block: FieldBlock, endStream: boolean): FoundHead {
  const split = splitFields(block.fields);
  const fault = beyondLimits(block) ?? split.fault;
  const line = readLine(split.pseudo);
  if ('code' in line) return { head: fault ?? line, line: undefined };
  return { head: fault ?? readRest(line, split, endStream), line };
}

function beyondLimits({ kind }: FieldBlock): Denial | undefined {
  if (kind === 'fields') return undefined;
  return deny(kind === 'too-large' ? 'head-too-large' : 'too-many-headers');
}

/** What follows a body is read for its form alone: it goes no further, as over HTTP/1.1. */
export function judgeTrailers(block: FieldBlock): Denial | undefined {
  const split = splitFields(block.fields);
  const fault = beyondLimits(block) ?? split.fault;
  if (fault !== undefined) return fault;
  if (Object.keys(split.pseudo).length > 0) return malformed('a pseudo-header field behind the body');
  const isName = (_: string, index: number) => index % 2 === 0;
  return split.regular.filter(isName).every(mayBeInTrailer) ? undefined : malformed('a field that no trailer has');
}

/** `fault`: of the first field that is none; what stands before it is there all the same. */
type Split = { readonly pseudo: Pseudo; readonly regular: readonly string[]; readonly fault?: Denial };

function splitFields(fields: HeaderList): Split {
  const pseudo: Pseudo = {};
  const regular: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    const value = fields[index + 1] as string;
    const wrong = name.startsWith(':')
      ? addPseudo(pseudo, name, value, regular.length > 0)
      : addRegular(regular, name, value);
    if (wrong !== undefined) return { pseudo, regular, fault: malformed(`${wrong}, field ${index / 2 + 1}`) };
  }
  return { pseudo, regular };
}

/** RFC 9113 section 8.2.1; obs-text has no agreed meaning, over HTTP/1.1 neither. */
function isCleanValue(value: string): boolean {
  return isFieldValue(value, 0) && !isSpace(value.charCodeAt(0)) && !isSpace(value.charCodeAt(value.length - 1));
}

const isSpace = (code: number) => code === 0x20 || code === 0x09;

/** @returns what is wrong with it */
function addPseudo(pseudo: Pseudo, name: string, value: string, late: boolean): string | undefined {
  const known = pseudoFields.find((candidate) => candidate === name);
  if (known === undefined) return 'a pseudo-header field that no request has';
  if (late) return 'a pseudo-header field behind others';
  if (pseudo[known] !== undefined) return 'a pseudo-header field given twice';
  pseudo[known] = value;
  return undefined;
}

/** @returns what is wrong with it */
function addRegular(regular: string[], name: string, value: string): string | undefined {
  if (!isLowerCaseToken(name)) return 'a field name that is none';
  if (!isCleanValue(value)) return 'a field value that is none';
  if (ofConnection.has(name) || (name === 'te' && value !== 'trailers')) return 'a field of a connection';
  regular.push(name, value);
  return undefined;
}

function readLine(pseudo: Pseudo): RequestLine | Denial {
  const { ':method': method, ':path': path, ':scheme': scheme, ':authority': authority } = pseudo;
  if (method === undefined) return malformed('no :method');
  if (!isToken(method, 0, method.length)) return deny('malformed-request-line');
  if (method === 'CONNECT') {
    // RFC 9113 section 8.5. What asks for a tunnel is refused behind this, with its record.
    const isPlain = path === undefined && scheme === undefined && authority !== undefined;
    return isPlain ? { method, target: authority } : malformed('CONNECT with a path or without an authority');
  }
  if (scheme !== 'https') return malformed(scheme === undefined ? 'no :scheme' : ':scheme is not https');
  if (path === undefined) return malformed('no :path');
  return isVisible(path) ? { method, target: path } : deny('malformed-request-line');
}

function readRest(line: RequestLine, { pseudo, regular }: Split, endStream: boolean): RequestHead | Denial {
  const lengths = fieldValues(regular, 'content-length');
  if (lengths.length > 1) return deny('ambiguous-framing', { detail: 'more than one Content-Length' });
  const declaredBytes = lengths[0] === undefined ? undefined : canonicalLength(lengths[0]);
  if (lengths.length > 0 && declaredBytes === undefined) {
    return deny('ambiguous-framing', { detail: 'Content-Length is not canonical' });
  }
  if (endStream && (declaredBytes ?? 0) > 0)
    return deny('ambiguous-framing', { detail: 'Content-Length without a body' });
  const expectations = fieldValues(regular, 'expect');
  const expectsContinue = expectations.length === 1 && expectations[0]?.toLowerCase() === '100-continue';
  if (expectations.length > 0 && !expectsContinue) return deny('unsupported-expectation');
  return { ...line, headers: asHttp1(pseudo[':authority'], regular), declaredBytes, expectsContinue };
}

/**
 * The list as HTTP/1.1 has it. An authority and a Host that says the same are one (RFC 9113 section 8.3.1); where they differ both stay, which
 * is refused as two Hosts are. Cookies, which may come in crumbs, are one line again (section 8.2.3).
 */
function asHttp1(authority: string | undefined, regular: readonly string[]): HeaderList {
  const headers = authority === undefined ? [] : ['host', authority];
  const hosts = fieldValues(regular, 'host');
  const saysTheSame = hosts.length === 1 && hosts[0] === authority;
  const cookies = fieldValues(regular, 'cookie');
  let cookiesWritten = cookies.length < 2;
  for (let index = 0; index < regular.length; index += 2) {
    const name = regular[index] as string;
    const value = regular[index + 1] as string;
    if (name === 'host' && saysTheSame) continue;
    if (name !== 'cookie' || cookies.length < 2) headers.push(name, value);
    else if (!cookiesWritten) {
      headers.push(name, cookies.join('; '));
      cookiesWritten = true;
    }
  }
  return headers;
}

function malformed(detail: string): Denial {
  return deny('malformed-header', { detail });
}

import { CertsError } from './errors.ts';

declare const brand: unique symbol;

/** A trust domain name, such as `shop.example`. Only `parseTrustDomain` and `trustDomainOf` make one. */
export type TrustDomain = string & { readonly [brand]: 'TrustDomain' };

/** A SPIFFE ID, such as `spiffe://shop.example/web`. Only `parseSpiffeId` makes one. */
export type SpiffeId = string & { readonly [brand]: 'SpiffeId' };

const scheme = 'spiffe://';
// SPIFFE-ID section 2.3; every character allowed is one byte, so length in UTF-16 units is length in bytes.
const maxSpiffeIdBytes = 2048;
const maxTrustDomainBytes = 255;

/** SPIFFE-ID section 2.1: lower-case letters, digits, dot, dash, underscore. Throws CertsError. */
export function parseTrustDomain(text: string): TrustDomain {
  const problem = trustDomainProblem(text);
  if (problem !== undefined) {
    throw new CertsError('trust-domain-invalid', `trust domain ${quoted(text)}: ${problem}`);
  }
  return text as TrustDomain;
}

/**
 * SPIFFE-ID sections 2.1 to 2.3, scanned character by character: a URL parser would repair (lower-case, decode, resolve
 * dot segments) what has to be refused. An ID without a path, which names a trust domain, is accepted here; the leaf
 * rules of `svid.ts` demand a path. Throws CertsError.
 */
export function parseSpiffeId(text: string): SpiffeId {
  const problem = spiffeIdProblem(text);
  if (problem !== undefined) throw new CertsError('spiffe-id-invalid', `SPIFFE ID ${quoted(text)}: ${problem}`);
  return text as SpiffeId;
}

export function trustDomainOf(id: SpiffeId): TrustDomain {
  return id.slice(scheme.length, pathStart(id)) as TrustDomain;
}

/** The path with its leading slash, or `''` for the ID of a trust domain itself. */
export function pathOf(id: SpiffeId): string {
  return id.slice(pathStart(id));
}

function pathStart(id: string): number {
  const slash = id.indexOf('/', scheme.length);
  return slash === -1 ? id.length : slash;
}

function spiffeIdProblem(text: string): string | undefined {
  if (text.length > maxSpiffeIdBytes) return `is longer than ${maxSpiffeIdBytes} bytes`;
  if (!text.startsWith(scheme)) return `does not start with ${scheme}`;
  const start = pathStart(text);
  return trustDomainProblem(text.slice(scheme.length, start)) ?? pathProblem(text, start);
}

function trustDomainProblem(name: string): string | undefined {
  if (name.length === 0) return 'the trust domain is empty';
  if (name.length > maxTrustDomainBytes) return `the trust domain is longer than ${maxTrustDomainBytes} bytes`;
  for (let at = 0; at < name.length; at++) {
    const char = name.charCodeAt(at);
    if (!isTrustDomainChar(char)) return `${shown(char)} is not allowed in a trust domain`;
  }
  return undefined;
}

function pathProblem(text: string, start: number): string | undefined {
  let segmentStart = start + 1;
  for (let at = segmentStart; at <= text.length && start < text.length; at++) {
    const char = at === text.length ? slashChar : text.charCodeAt(at);
    if (char === slashChar) {
      const problem = segmentProblem(text.slice(segmentStart, at));
      if (problem !== undefined) return problem;
      segmentStart = at + 1;
    } else if (!isPathChar(char)) {
      return `${shown(char)} is not allowed in a path`;
    }
  }
  return undefined;
}

function segmentProblem(segment: string): string | undefined {
  if (segment === '') return 'the path has an empty segment or a trailing slash';
  if (segment === '.' || segment === '..') return 'the path has a dot segment';
  return undefined;
}

const slashChar = 0x2f;

function isTrustDomainChar(char: number): boolean {
  const lower = char >= 0x61 && char <= 0x7a;
  const digit = char >= 0x30 && char <= 0x39;
  return lower || digit || char === 0x2d || char === 0x2e || char === 0x5f;
}

function isPathChar(char: number): boolean {
  return isTrustDomainChar(char) || (char >= 0x41 && char <= 0x5a);
}

function shown(char: number): string {
  return JSON.stringify(String.fromCharCode(char));
}

/** The text as a JSON string, so that control characters never reach a log or terminal; long text is cut. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}...` : text);
}

import { ProxyError } from '../errors.ts';
import { readTarget } from '../normalise/target.ts';

/** One part of a path between two slashes, as the router compares it. */
export type TemplateSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }
  /** Always the last: takes one or more segments. */
  | { readonly kind: 'rest'; readonly name: string };

/** The characters of a path segment (RFC 3986 `pchar`) without `;`, whose reading servers disagree on (CVE-2026-73551). */
const LITERAL = /^(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-F]{2})+$/;
const PLACEHOLDER = /^\{([A-Za-z][A-Za-z0-9_]{0,63})(\.\.\.)?\}$/;

/**
 * `/orders/{id}/{rest...}` -> its segments; `/` has none. Literals are compared byte for byte with a normalised path, so
 * what normalising refuses (dot segments, empty ones, `%2F`) is refused here: such a route could never match.
 * Throws ProxyError `route-template-invalid`.
 */
export function parseTemplate(text: string): readonly TemplateSegment[] {
  if (!text.startsWith('/')) throw invalid(text, 'it must begin with `/`');
  if (text === '/') return [];
  const parts = text.slice(1).split('/');
  const segments = parts.map((part, index) => parseSegment(text, part, index === parts.length - 1));
  const names = segments.flatMap((segment) => (segment.kind === 'literal' ? [] : [segment.name]));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(text, `the parameter \`${twice}\` stands twice`);
  return segments;
}

/** Equal for templates that match the same paths: parameters count, their names do not. */
export function templateKey(segments: readonly TemplateSegment[]): string {
  const marks = { parameter: '{}', rest: '{...}' };
  return `/${segments.map((segment) => (segment.kind === 'literal' ? segment.text : marks[segment.kind])).join('/')}`;
}

function parseSegment(template: string, part: string, last: boolean): TemplateSegment {
  const placeholder = PLACEHOLDER.exec(part);
  if (placeholder !== null) {
    const [, name = '', rest] = placeholder;
    if (rest === undefined) return { kind: 'parameter', name };
    if (!last) throw invalid(template, `\`${part}\` takes all that follows and must be the last segment`);
    return { kind: 'rest', name };
  }
  const wrong = literalProblem(part);
  if (wrong !== undefined) throw invalid(template, wrong);
  return { kind: 'literal', text: part };
}

function literalProblem(part: string): string | undefined {
  if (part === '') return 'an empty segment (`//` or a `/` at the end) never matches, such paths are refused';
  if (/[{}]/.test(part)) return `\`${part}\` is no parameter: a segment is a literal, \`{name}\` or \`{name...}\``;
  if (part === '.' || part === '..') return 'dot segments never match, such paths are refused';
  if (!LITERAL.test(part))
    return `\`${part}\` has characters that a path segment cannot have (percent-encode, upper-case hex)`;
  const target = readTarget(`/${part}`);
  return 'code' in target ? `\`${part}\` never matches, such paths are refused: ${target.detail}` : undefined;
}

function invalid(template: string, why: string): ProxyError {
  return new ProxyError('route-template-invalid', `the path template \`${template}\` is not valid: ${why}`);
}

import { matchContentType } from '../../policy/media-type.ts';
import type { ParameterValidator, SchemaValidator } from '../../policy/schema.ts';
import type { Filter } from '../chain.ts';
import { type Denial, deny, isDenial } from '../denial.ts';
import type { Accepted } from '../exchange.ts';
import type { RequestBody } from '../transport.ts';
import { judgeJson } from '../judge-json.ts';
import type { HeldBytes } from '../limit/held-bytes.ts';
import { fieldValues } from '../header-list.ts';
import { readBody } from '../read-body.ts';
import type { Normalised } from './normalise.ts';

/** What policy may know of the body, and what is sent: for a validated one the very bytes that were judged. */
export type ExchangeBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'streamed'; readonly source: RequestBody; readonly maxBytes: number; readonly contentType: string }
  | {
      readonly kind: 'validated';
      readonly bytes: Buffer;
      /** For the policy: gone once it has decided. */
      value: unknown;
      readonly contentType: string;
      readonly schemaDigest: string;
    };

export type Validated = { readonly body: ExchangeBody };

/** Parameters and body against their schemas. A body that no rule reads is not buffered; one that was is judged whole. */
export function validate(held: HeldBytes): Filter<Accepted & Normalised, Validated> {
  return {
    name: 'validate',
    add: (facts, { body }) => void (facts.body = body),
    apply: (facts) => checkParameters(facts) ?? checkIncoming(facts, held),
  };
}

function checkParameters({ route, request, parameters }: Normalised): Denial | undefined {
  if (route.path !== undefined) {
    const path = new Map([...parameters].map(([name, value]) => [name, [value]]));
    const refused = checkAgainst(route.path, path, 'path');
    if (refused !== undefined) return refused;
  }
  if (route.query === undefined) return undefined;
  const query = new Map<string, string[]>();
  for (const [name, value] of request.query) {
    const values = query.get(name);
    if (values === undefined) query.set(name, [value]);
    else values.push(value);
  }
  return checkAgainst(route.query, query, 'query');
}

function checkAgainst(
  validator: ParameterValidator,
  values: ReadonlyMap<string, readonly string[]>,
  place: string,
): Denial | undefined {
  const violation = validator.validate(values);
  if (violation === undefined) return undefined;
  return deny('parameter-violation', { pointer: violation.pointer, detail: `${place}: ${violation.message}` });
}

type Checked = Validated | Denial | Promise<Validated | Denial>;

/** A length of 0 is no body. Over HTTP/2 that is known only at the end of the stream (RFC 9113 section 8.1.1). */
function checkIncoming(facts: Accepted & Normalised, held: HeldBytes): Checked {
  const { incoming } = facts;
  if (incoming?.declaredBytes !== 0) return checkBody(facts, incoming, held);
  const ended = new Promise<Denial | undefined>((resolve) =>
    incoming.consume({ chunk: () => undefined, end: () => resolve(undefined), failed: resolve }),
  );
  return ended.then((denial) => denial ?? checkBody(facts, undefined, held));
}

function checkBody(facts: Accepted & Normalised, body: RequestBody | undefined, held: HeldBytes): Checked {
  const { route, request, atEnd } = facts;
  const rule = route.config.body;
  // A schema for the body is a demand for one: without it, "no body" would be the way around validation.
  if (body === undefined) {
    return rule.kind === 'validate'
      ? deny('schema-violation', { pointer: '', detail: 'a body is required' })
      : { body: { kind: 'none' } };
  }
  if (rule.kind === 'none') return deny('unexpected-body');
  if ((body.declaredBytes ?? 0) > rule.maxBytes) return deny('body-too-large');
  const contentTypes = fieldValues(request.headers, 'content-type');
  if (rule.kind === 'stream') {
    return { body: { kind: 'streamed', source: body, maxBytes: rule.maxBytes, contentType: contentTypes[0] ?? '' } };
  }
  if (fieldValues(request.headers, 'content-encoding').length > 0) {
    return deny('unsupported-media-type', { detail: 'an encoded body cannot be validated' });
  }
  const contentType = matchContentType(contentTypes, route.body);
  const schema = contentType === undefined ? undefined : route.body.get(contentType);
  if (contentType === undefined || schema === undefined) {
    return deny('unsupported-media-type', { detail: wrongContentType(contentTypes) });
  }
  const hold = held.hold();
  atEnd.push(hold.release);
  const collecting = { maxBytes: rule.maxBytes, tooLarge: 'body-too-large', hold, stop: () => body.pause() } as const;
  const bytes = readBody(body, collecting);
  const judge = (whole: Buffer | Denial) => (isDenial(whole) ? whole : holdAgainst(whole, contentType, schema));
  return bytes instanceof Promise ? bytes.then(judge) : judge(bytes);
}

/** Which of its causes, and never the value: that is the client's own text. */
function wrongContentType({ length }: readonly string[]): string {
  if (length === 0) return 'no Content-Type';
  return length > 1 ? 'more than one Content-Type' : 'the Content-Type is not one of the declared types';
}

function holdAgainst(bytes: Buffer, contentType: string, schema: SchemaValidator): Validated | Denial {
  const judged = judgeJson(bytes, schema);
  if (judged.ok) {
    return { body: { kind: 'validated', bytes, value: judged.value, contentType, schemaDigest: schema.digest } };
  }
  const { wrong, pointer, detail } = judged;
  if (wrong === 'json') return deny('malformed-json', { pointer, detail });
  return deny('schema-violation', { pointer, detail, rule: schema.digest });
}

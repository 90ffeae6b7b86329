import { readStrictJson } from '../../policy/json/strict-json.ts';
import { matchContentType } from '../../policy/media-type.ts';
import type { Filter } from '../chain.ts';
import { type Denial, deny, isDenial } from '../denial.ts';
import type { Accepted } from '../exchange.ts';
import type { HeldBytes } from '../limit/held-bytes.ts';
import { headerValues } from '../normalise/headers.ts';
import { type Collecting, readBody } from '../read-body.ts';
import type { Forwarded } from '../upstream/forward.ts';
import type { ResponseBody, ResponseHead, WorkloadResponse } from '../upstream/workload-response.ts';
import type { Normalised } from './normalise.ts';

/** What goes back to the client: bytes that were judged, or a body that streams through. */
export type Answer = ResponseHead & { readonly body: Buffer | ResponseBody };

export type Inspected = { readonly answer: Answer };

const maxDepth = 64;

/** Holds 2xx responses against the schemas of the route (SI-15); one that fails never reaches the client. */
export function inspect(held: HeldBytes): Filter<Accepted & Normalised & Forwarded, Inspected> {
  return { name: 'inspect', apply: (facts) => inspectAnswer(facts, held) };
}

function inspectAnswer(
  { route, response, atEnd }: Accepted & Normalised & Forwarded,
  held: HeldBytes,
): Inspected | Denial | Promise<Inspected | Denial> {
  const rule = route.config.response;
  if (rule === undefined || response.status > 299 || response.framing.kind === 'bodiless') return { answer: response };
  const contentType = matchContentType(headerValues(response.headers, 'content-type'), [...route.response.keys()]);
  const schema = contentType === undefined ? undefined : route.response.get(contentType);
  const encoded = headerValues(response.headers, 'content-encoding').length > 0;
  if (schema === undefined || encoded) {
    response.body.abort();
    return deny('response-violation', {
      detail: encoded ? 'the response is encoded' : 'no schema for its content type',
    });
  }
  const hold = held.hold();
  atEnd.push(hold.release);
  const stop = () => response.body.abort();
  const collecting = { maxBytes: rule.maxBytes, tooLarge: 'upstream-too-large', hold, stop } as const;
  return holdAgainst(response, collecting, (value) => schema.validate(value));
}

type Violation = { readonly pointer: string; readonly message: string };

async function holdAgainst(
  response: WorkloadResponse,
  collecting: Collecting,
  validate: (value: unknown) => Violation | undefined,
): Promise<Inspected | Denial> {
  const bytes = await readBody(response.body, collecting);
  if (isDenial(bytes)) return bytes;
  const json = readStrictJson(bytes, { maxDepth });
  if (!json.ok) return deny('response-violation', { pointer: json.problem.pointer, detail: json.problem.detail });
  const violation = validate(json.value);
  if (violation !== undefined) {
    return deny('response-violation', { pointer: violation.pointer, detail: violation.message });
  }
  return { answer: { ...response, framing: { kind: 'length', bytes: bytes.length }, body: bytes } };
}

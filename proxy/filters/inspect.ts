import { matchContentType } from '../../policy/media-type.ts';
import type { SchemaValidator } from '../../policy/schema.ts';
import type { Filter } from '../chain.ts';
import { type Denial, deny, isDenial } from '../denial.ts';
import type { Accepted } from '../exchange.ts';
import { judgeJson } from '../judge-json.ts';
import type { HeldBytes } from '../limit/held-bytes.ts';
import { fieldValues } from '../header-list.ts';
import { readBody } from '../read-body.ts';
import type { Forwarded } from '../upstream/forward.ts';
import type { ResponseBody, ResponseHead, WorkloadResponse } from '../upstream/workload-response.ts';
import type { Normalised } from './normalise.ts';

/** What goes back to the client: bytes that were judged, or a body that streams through. */
export type Answer = ResponseHead & { readonly body: Buffer | ResponseBody };

export type Inspected = { readonly answer: Answer };

/** Holds 2xx responses against the schemas of the route (SI-15); one that fails never reaches the client. */
export function inspect(held: HeldBytes): Filter<Accepted & Normalised & Forwarded, Inspected> {
  return {
    name: 'inspect',
    add: (facts, { answer }) => void (facts.answer = answer),
    apply: (facts) => inspectAnswer(facts, held),
  };
}

function inspectAnswer(
  { route, response, atEnd }: Accepted & Normalised & Forwarded,
  held: HeldBytes,
): Inspected | Denial | Promise<Inspected | Denial> {
  const rule = route.config.response;
  if (rule === undefined || response.status > 299 || response.framing.kind === 'bodiless') return { answer: response };
  const contentType = matchContentType(fieldValues(response.headers, 'content-type'), route.response);
  const schema = contentType === undefined ? undefined : route.response.get(contentType);
  const encoded = fieldValues(response.headers, 'content-encoding').length > 0;
  if (schema === undefined || encoded) {
    stop(response);
    return deny('response-violation', {
      detail: encoded ? 'the response is encoded' : 'no schema for its content type',
    });
  }
  const hold = held.hold();
  atEnd.push(hold.release);
  const collecting = {
    maxBytes: rule.maxBytes,
    tooLarge: 'upstream-too-large',
    hold,
    stop: () => stop(response),
  } as const;
  const bytes = readBody(response.body, collecting);
  const judge = (whole: Buffer | Denial) => (isDenial(whole) ? whole : holdAgainst(response, whole, schema));
  return bytes instanceof Promise ? bytes.then(judge) : judge(bytes);
}

function stop({ body }: WorkloadResponse): void {
  if (!Buffer.isBuffer(body)) body.abort();
}

function holdAgainst(response: WorkloadResponse, bytes: Buffer, schema: SchemaValidator): Inspected | Denial {
  const judged = judgeJson(bytes, schema);
  if (!judged.ok) return deny('response-violation', { pointer: judged.pointer, detail: judged.detail });
  return { answer: { ...response, framing: { kind: 'length', bytes: bytes.length }, body: bytes } };
}

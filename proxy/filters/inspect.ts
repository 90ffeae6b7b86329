import { readStrictJson } from '../../policy/json/strict-json.ts';
import { matchContentType } from '../../policy/media-type.ts';
import type { Filter } from '../chain.ts';
import { type Denial, deny, isDenial } from '../denial.ts';
import type { Accepted } from '../exchange.ts';
import { headerValues } from '../normalise/headers.ts';
import type { Forwarded } from '../upstream/forward.ts';
import type { ResponseBody, ResponseHead, WorkloadResponse } from '../upstream/workload-response.ts';
import type { Normalised } from './normalise.ts';

/** What goes back to the client: bytes that were judged, or a body that streams through. */
export type Answer = ResponseHead & { readonly body: Buffer | ResponseBody };

export type Inspected = { readonly answer: Answer };

const maxDepth = 64;

/** Holds 2xx responses against the schemas of the route (SI-15); one that fails never reaches the client. */
export const inspect: Filter<Accepted & Normalised & Forwarded, Inspected> = {
  name: 'inspect',
  apply: ({ route, response }) => {
    const rule = route.config.response;
    if (rule === undefined || response.status > 299 || response.framing.kind === 'bodiless')
      return { answer: response };
    const contentType = matchContentType(headerValues(response.headers, 'content-type'), [...route.response.keys()]);
    const schema = contentType === undefined ? undefined : route.response.get(contentType);
    const encoded = headerValues(response.headers, 'content-encoding').length > 0;
    if (schema === undefined || encoded) {
      response.body.abort();
      return deny('response-violation', {
        detail: encoded ? 'the response is encoded' : 'no schema for its content type',
      });
    }
    return holdAgainst(response, rule.maxBytes, (value) => schema.validate(value));
  },
};

type Violation = { readonly pointer: string; readonly message: string };

async function holdAgainst(
  response: WorkloadResponse,
  maxBytes: number,
  validate: (value: unknown) => Violation | undefined,
): Promise<Inspected | Denial> {
  const bytes = await readResponse(response.body, maxBytes);
  if (isDenial(bytes)) return bytes;
  const json = readStrictJson(bytes, { maxDepth });
  if (!json.ok) return deny('response-violation', { pointer: json.problem.pointer, detail: json.problem.detail });
  const violation = validate(json.value);
  if (violation !== undefined) {
    return deny('response-violation', { pointer: violation.pointer, detail: violation.message });
  }
  return { answer: { ...response, framing: { kind: 'length', bytes: bytes.length }, body: bytes } };
}

function readResponse(body: ResponseBody, maxBytes: number): Promise<Buffer | Denial> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    body.consume({
      chunk: (data) => {
        bytes += data.length;
        if (bytes <= maxBytes) return void chunks.push(data);
        resolve(deny('upstream-too-large'));
        body.abort();
      },
      end: () => resolve(Buffer.concat(chunks, bytes)),
      failed: resolve,
    });
  });
}

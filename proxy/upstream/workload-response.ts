import { type Denial, deny } from '../denial.ts';
import type { AnswerFraming } from '../exchange.ts';
import { fieldValues, type HeaderList } from '../header-list.ts';
import { canonicalLength, isFieldValue, isToken } from '../http1/grammar.ts';
import { withoutHopByHop } from '../normalise/headers.ts';

/** Receives a response body. After `end` or `failed` nothing more comes. */
export type ResponseConsumer = {
  readonly chunk: (data: Buffer) => void;
  readonly end: () => void;
  readonly failed: (denial: Denial) => void;
};

/** A response body that is still arriving, read only as fast as its consumer takes. */
export interface ResponseBody {
  consume(consumer: ResponseConsumer): void;
  pause(): void;
  resume(): void;
  /** Nobody wants the rest: the connection to the workload ends. */
  abort(): void;
}

export type ResponseHead = {
  readonly status: number;
  readonly headers: HeaderList;
  readonly framing: AnswerFraming;
};

export type WorkloadResponse = ResponseHead & { readonly body: ResponseBody };

/** undici counts the bytes of names and values only, which lets five thousand short fields through. */
const maxHeaders = 256;

const garbage = (detail: string): Denial => deny('upstream-malformed', { detail });

/**
 * Judges a response head as strictly as a request's: the client must not see a different end of body than we do
 * (CVE-2026-6733, CVE-2026-34441).
 * @param raw name, value, name, value, one character per byte
 */
export function readResponseHead(
  method: string,
  status: number,
  raw: HeaderList,
  closeDelimited: boolean,
): ResponseHead | Denial {
  if (status > 599) return garbage('an impossible status');
  if (raw.length / 2 > maxHeaders) return garbage('too many headers');
  for (let index = 0; index < raw.length; index += 2) {
    if (!isToken(raw[index] ?? '') || !isResponseValue(raw[index + 1] ?? '')) return garbage('a malformed header');
  }
  const lengths = fieldValues(raw, 'content-length');
  const codings = fieldValues(raw, 'transfer-encoding');
  if (lengths.length + codings.length > 1) return garbage('the body length is ambiguous');
  const bytes = lengths[0] === undefined ? undefined : canonicalLength(lengths[0]);
  if (lengths[0] !== undefined && bytes === undefined) return garbage('Content-Length is not canonical');
  const headers = withoutHopByHop(raw);
  if (method === 'HEAD' || status === 204 || status === 304) {
    return { status, headers, framing: { kind: 'bodiless', declaredBytes: status === 204 ? undefined : bytes } };
  }
  if (bytes !== undefined) return { status, headers, framing: { kind: 'length', bytes } };
  if (codings[0] === undefined && !closeDelimited) return garbage('the body ends with the connection');
  if (codings[0] !== undefined && codings[0] !== 'chunked') return garbage('Transfer-Encoding is not exactly chunked');
  return { status, headers, framing: { kind: 'chunked' } };
}

/** Responses may carry obs-text, which is passed on byte for byte: nothing here is judged by it. */
function isResponseValue(value: string): boolean {
  return isFieldValue(value.replaceAll(/[\x80-\xff]/g, ''));
}

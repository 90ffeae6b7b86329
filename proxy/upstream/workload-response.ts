import { type Denial, deny } from '../denial.ts';
import type { WorkloadConfig } from '../config/config.ts';
import type { AnswerFraming } from '../transport.ts';
import type { HeaderList } from '../header-list.ts';
import { type FinalHead, malformedResponse } from '../http1/response-head.ts';
import { withoutHopByHop } from '../normalise/headers.ts';

/** Receives a response body. After `end` or `failed` nothing more comes. */
export type ResponseConsumer = {
  readonly chunk: (data: Buffer) => void;
  /** In place of `chunk`, for who can tell when he has done with the bytes: their memory is used again. Everybody else gets a copy. */
  readonly lent?: (data: Buffer, done: () => void) => void;
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

/** The body is there as a whole where it came with its head. */
export type WorkloadResponse = ResponseHead & { readonly body: Buffer | ResponseBody };

export type ResponseRules = Pick<WorkloadConfig, 'maxResponseBytes' | 'unsafeCloseDelimited'>;

/** What becomes of a response head on the way back: its body is framed anew, and its connection's fields stay behind. */
export function judgeResponse({ status, headers, framing }: FinalHead, rules: ResponseRules): ResponseHead | Denial {
  if (framing.kind === 'close' && !rules.unsafeCloseDelimited)
    return malformedResponse('the body ends with the connection');
  if (framing.kind === 'length' && framing.bytes > rules.maxResponseBytes) return deny('upstream-too-large');
  return {
    status,
    headers: withoutHopByHop(headers),
    framing: framing.kind === 'close' ? { kind: 'chunked' } : framing,
  };
}

import { type Denial, denialRow } from './denial.ts';
import type { AnswerSink } from './exchange.ts';

/** Policy details, for callers on the explain list only. */
type Explanation = Pick<Denial, 'detail' | 'rule' | 'reasons'>;

export type ProblemContext = {
  readonly id: string;
  readonly nowMs: number;
  /** True for callers on the explain list. */
  readonly explain: boolean;
  /** True for an answer to HEAD. */
  readonly bodiless: boolean;
};

/**
 * Puts a refusal into the answer as `application/problem+json` (RFC 9457), and returns its body, which the caller sends
 * once the record is safe. Everybody reads the catalogue's words and a pointer into their own document; why policy said
 * no is for those on the explain list (SI-11).
 */
export function startDenial(sink: AnswerSink, denial: Denial, context: ProblemContext): Buffer | undefined {
  const { id, nowMs, explain, bodiless } = context;
  const { status, title, close } = denialRow(denial.code);
  const body = Buffer.from(
    `${JSON.stringify({
      type: 'about:blank',
      title,
      status,
      code: denial.code,
      id,
      pointer: denial.pointer,
      ...(explain ? explanation(denial) : {}),
    })}\n`,
  );
  const headers = [
    'content-type',
    'application/problem+json',
    'cache-control',
    'no-store',
    'date',
    new Date(nowMs).toUTCString(),
    'x-portcullis-id',
    id,
    ...(denial.headers ?? []),
  ];
  const framing = { kind: 'length', bytes: body.length } as const;
  sink.head(status, headers, bodiless ? { kind: 'bodiless', declaredBytes: body.length } : framing, close);
  return bodiless ? undefined : body;
}

function explanation({ detail, rule, reasons }: Denial): Explanation {
  return {
    ...(detail === undefined ? {} : { detail }),
    ...(rule === undefined ? {} : { rule }),
    ...(reasons === undefined ? {} : { reasons }),
  };
}

import { type Denial, denialRow, denialStatus } from './denial.ts';
import type { AnswerSink } from './transport.ts';
import type { HeaderList } from './header-list.ts';

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
 * Puts a refusal into the answer, in the words that policy gave for it or else as `application/problem+json` (RFC 9457),
 * and returns its body, which the caller sends once the record is safe. Everybody reads the catalogue's words and a
 * pointer into their own document; why policy said no is for those on the explain list (SI-11).
 */
export function startDenial(sink: AnswerSink, denial: Denial, context: ProblemContext): Buffer | undefined {
  const { id, nowMs, bodiless } = context;
  const { body, headers } = contentOf(denial, context);
  const all = [...headers, 'date', new Date(nowMs).toUTCString(), 'x-portcullis-id', id];
  const framing = { kind: 'length', bytes: body.length } as const;
  const sent = bodiless ? ({ kind: 'bodiless', declaredBytes: body.length } as const) : framing;
  sink.head(denialStatus(denial), all, sent, denialRow(denial.code).close);
  return bodiless ? undefined : body;
}

type Content = { readonly body: Buffer; readonly headers: HeaderList };

function contentOf(denial: Denial, context: ProblemContext): Content {
  const { answer, headers = [] } = denial;
  if (answer === undefined) return { body: problem(denial, context), headers: [...problemHeaders, ...headers] };
  if (answer.body === undefined) {
    return { body: problem(denial, context), headers: withDefaults(answer.headers, problemHeaders) };
  }
  const body = Buffer.from(answer.body);
  return { body, headers: withDefaults(answer.headers, body.length === 0 ? emptyHeaders : textHeaders) };
}

const emptyHeaders: HeaderList = ['cache-control', 'no-store'];
const problemHeaders: HeaderList = ['content-type', 'application/problem+json', ...emptyHeaders];
/** What a policy put into its text may come from the request, and must not be taken for a page. */
const textHeaders: HeaderList = ['content-type', 'text/plain', 'x-content-type-options', 'nosniff', ...emptyHeaders];

function withDefaults(headers: HeaderList, defaults: HeaderList): HeaderList {
  const given = new Set(headers.filter((_, index) => index % 2 === 0));
  return [...headers, ...defaults.filter((_, index) => !given.has(defaults[index - (index % 2)] ?? ''))];
}

function problem(denial: Denial, { id, explain }: ProblemContext): Buffer {
  const { title } = denialRow(denial.code);
  const { code, pointer } = denial;
  const members = { type: 'about:blank', title, status: denialStatus(denial), code, id, pointer };
  return Buffer.from(`${JSON.stringify({ ...members, ...(explain ? explanation(denial) : {}) })}\n`);
}

function explanation({ detail, rule, reasons }: Denial): Explanation {
  return {
    ...(detail === undefined ? {} : { detail }),
    ...(rule === undefined ? {} : { rule }),
    ...(reasons === undefined ? {} : { reasons }),
  };
}

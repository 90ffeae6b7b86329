import type { PolicyBundle } from '../../policy/bundle/bundle.ts';
import type { EngineName } from '../../policy/engines/settings.ts';
import { RegoDecimal } from '../../policy/value/value.ts';
import { nearPath, visible } from '../config/problem.ts';
import { type Denial, denialRow, denialStatus, isDenial } from '../denial.ts';
import type { Permit } from '../filters/authorize.ts';
import type { HeaderList } from '../header-list.ts';
import type { Io } from './command.ts';
import type { Rehearsed } from './rehearsal.ts';
import { painter } from './render.ts';
import type { Trace, TracedLine } from './trace.ts';

export type Explained = Rehearsed & {
  readonly policy: Pick<PolicyBundle, 'revision' | 'name'>;
  readonly engine: EngineName;
  /** Where it was asked for. */
  readonly trace: Trace | undefined;
};

/** A name and what is to be said under it. */
type Fact = readonly [name: string, text: string];

/** More of a result than this is better read with `--json`. */
const resultLength = 1000;
const lineLength = 100;

export function explanationText(explained: Explained, io: Pick<Io, 'color' | 'cwd'>): string {
  const { outcome, trace } = explained;
  const paint = painter(io.color);
  const verdict = isDenial(outcome)
    ? `${paint('red', 'refused')}  ${denialStatus(outcome)} ${outcome.code}`
    : `${paint('green', 'allowed')}  route ${outcome.route.config.name}`;
  const facts = [
    ...(isDenial(outcome) ? ofDenial(outcome, explained) : ofPermit(outcome.permit)),
    ...judges(explained),
  ];
  const lines = facts.map(([name, text]) => `  ${name.padEnd(9)}${visible(text)}`);
  return `${[verdict, ...lines, ...(trace === undefined ? [] : traceLines(trace, io))].join('\n')}\n`;
}

function ofPermit({ rule, reasons, obligations }: Permit): readonly Fact[] {
  const { requestHeaders, removedHeaders, target, responseHeaders, notes, metadata } = obligations;
  return [
    ...optional('rule', rule === '' ? undefined : rule),
    ...all('reason', reasons),
    ...all('sets', headerLines(requestHeaders)),
    ...all('removes', [...removedHeaders]),
    ...optional('sends', target),
    ...all('answers', headerLines(responseHeaders)),
    ...all('note', notes),
    ...optional('metadata', metadata),
  ];
}

function ofDenial(denial: Denial, { asked }: Explained): readonly Fact[] {
  const { code, rule, reasons = [], detail, pointer, answer, metadata } = denial;
  const isUnread = code === 'policy-undecided' && asked !== undefined && 'result' in asked;
  return [
    ['means', denialRow(code).meaning],
    ...optional('rule', rule === '' ? undefined : rule),
    ...all('reason', reasons),
    ...optional('detail', detail),
    ...optional('at', pointer === undefined ? undefined : JSON.stringify(pointer)),
    ...optional('result', isUnread ? cut(JSON.stringify(inDoubles(asked.result)), resultLength) : undefined),
    ...all('answers', headerLines(answer?.headers ?? [])),
    ...optional('body', answer?.body === undefined ? undefined : cut(JSON.stringify(answer.body), resultLength)),
    ...optional('metadata', metadata),
  ];
}

function judges({ policy: { revision, name }, engine }: Explained): readonly Fact[] {
  return [
    ['policy', name === undefined ? revision : `${revision} (${name})`],
    ['engine', engine],
  ];
}

const optional = (name: string, text: string | undefined): readonly Fact[] =>
  text === undefined ? [] : [[name, text]];
const all = (name: string, texts: readonly string[]): readonly Fact[] => texts.map((text) => [name, text]);

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length)}...` : text);

function headerLines(headers: HeaderList): readonly string[] {
  return headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1] ?? ''}`] : []));
}

/** Under the name of each rule its lines; the name again when another rule was evaluated in between. */
function traceLines({ lines, ended }: Trace, { color, cwd }: Pick<Io, 'color' | 'cwd'>): readonly string[] {
  const paint = painter(color);
  const place = ({ file, row }: TracedLine) => `${nearPath(file, cwd)}:${row}`;
  const widest = (text: (line: TracedLine) => string) => Math.max(0, ...lines.map((line) => text(line).length));
  const [outcomeWidth, placeWidth] = [widest(outcomeOf), widest(place)];
  const body = lines.flatMap((line, index) => {
    const title = line.rule === lines[index - 1]?.rule ? [] : [`  ${line.rule}`];
    const outcome = paint(colorOf(line), outcomeOf(line).padEnd(outcomeWidth));
    const words = `${place(line).padEnd(placeWidth)}  ${cut(line.text ?? '', lineLength)}`.trimEnd();
    return [...title.map(visible), `    ${outcome}  ${visible(words)}`];
  });
  return ['', ...body, ...(ended === undefined ? [] : [`  ended: ${ended}`])];
}

function outcomeOf(line: TracedLine): string {
  if (line.failed === 0) return 'ok';
  return isUnusedDefault(line) ? 'unused' : `failed ${line.failed}x`;
}

function colorOf(line: TracedLine): 'green' | 'dim' | 'red' {
  if (line.failed === 0) return 'green';
  return isUnusedDefault(line) ? 'dim' : 'red';
}

/** Of a default, to fail is not to be needed. */
const isUnusedDefault = ({ failed, text }: TracedLine): boolean => failed > 0 && text?.startsWith('default ') === true;

export function explanationJson(explained: Explained): string {
  const { outcome, asked, trace, policy, engine } = explained;
  // No digest of a snapshot: without the trust bundle it could never be that of a proxy.
  const judgedBy = { policy: policy.revision, policy_name: policy.name, engine };
  const verdict = isDenial(outcome) ? jsonOfDenial(outcome) : jsonOfPermit(outcome.route.config.name, outcome.permit);
  return `${JSON.stringify(inDoubles({ ...verdict, ...judgedBy, ...asked, trace }), undefined, 2)}\n`;
}

function jsonOfPermit(route: string, { rule, reasons, obligations }: Permit): object {
  const { requestHeaders, removedHeaders, target, responseHeaders, notes, metadata } = obligations;
  const changes = {
    request_headers_to_set: headerLines(requestHeaders),
    request_headers_to_remove: [...removedHeaders],
    target,
    response_headers_to_add: headerLines(responseHeaders),
    notes,
    metadata,
  };
  return { allowed: true, route, rule, reasons, changes };
}

function jsonOfDenial(denial: Denial): object {
  const { code, rule, reasons, detail, pointer, answer, metadata } = denial;
  const { kind } = denialRow(code);
  const given = answer === undefined ? undefined : { ...answer, headers: headerLines(answer.headers) };
  return {
    allowed: false,
    status: denialStatus(denial),
    code,
    kind,
    rule,
    reasons,
    detail,
    pointer,
    answer: given,
    metadata,
  };
}

/** For JSON.stringify, which writes no other numbers. */
function inDoubles(value: unknown): unknown {
  if (typeof value === 'bigint' || value instanceof RegoDecimal) return Number(value);
  if (Array.isArray(value)) return value.map(inDoubles);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, inDoubles(part)]));
}

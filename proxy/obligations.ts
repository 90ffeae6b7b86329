import type { Allowed, Denied, HeaderLine } from '../policy/verdict.ts';
import { type Denial, type DenialAnswer, deny } from './denial.ts';
import type { HeaderList } from './header-list.ts';
import { fieldName } from './normalise/field-name.ts';
import { isAddableToAnswer, isSettable, type OwnHeaders } from './normalise/headers.ts';
import { readTarget } from './normalise/target.ts';
import { rewriteQuery } from './normalise/rewrite-query.ts';

/** What policy demands on top of the permission; all of it is carried out, or the exchange is refused. */
export type Obligations = {
  /** Headers for the workload, in place of all that the request has under these names. */
  readonly requestHeaders: HeaderList;
  /** Names that the workload must not see. */
  readonly removedHeaders: ReadonlySet<string>;
  /** What is sent in place of the target that was judged, where policy rewrote its query. */
  readonly target: string | undefined;
  /** Headers for the client, behind those of the workload. */
  readonly responseHeaders: HeaderList;
  /** For the audit record. */
  readonly notes: readonly string[];
  readonly metadata: string | undefined;
};

/**
 * Reads what an allowed exchange is bound to. A PEP that does not understand an obligation must not let the request pass
 * (XACML 3.0 section 7.18); neither does one that may not carry it out.
 */
export function readObligations(decision: Allowed, own: OwnHeaders, target: string): Obligations | Denial {
  const { headers, removeHeaders, query, responseHeaders } = decision.changes;
  const notes = readNotes(decision.obligations);
  if ('code' in notes) return notes;
  const refused =
    refuseHeaders(headers, 'set', isSettable, own) ??
    refuseHeaders(namesOnly(removeHeaders), 'remove', isSettable, own) ??
    refuseHeaders(responseHeaders, 'add to the answer', isAddableToAnswer, own);
  if (refused !== undefined) return refused;
  const rewritten = query === undefined ? undefined : rewriteQuery(target, query);
  // What is sent must have one reading, as what was judged.
  if (rewritten !== undefined && 'code' in readTarget(rewritten)) return undecided('a query that cannot be sent');
  return {
    requestHeaders: flat(headers),
    removedHeaders: removeHeaders.length === 0 ? nobody : new Set(removeHeaders),
    target: rewritten === target ? undefined : rewritten,
    responseHeaders: flat(responseHeaders),
    notes,
    metadata: decision.metadata,
  };
}

/** The denial that policy asked for, in its own words where it gave some and may have them. */
export function readDenial({ rule, reasons, obligations, answer, metadata }: Denied, own: OwnHeaders): Denial {
  const notes = readNotes(obligations);
  // It stays a refusal; that it was not carried out as policy meant it is what somebody has to look at.
  if ('code' in notes) return notes;
  const why = { rule, reasons, notes, ...(metadata === undefined ? {} : { metadata }) };
  if (answer === undefined) return deny('forbidden', why);
  const { status, headers, body } = answer;
  const refused = refuseHeaders(
    headers,
    'set on a denial',
    (name) => ofOwnContent.has(name) || isAddableToAnswer(name, own),
    own,
  );
  if (refused !== undefined) return refused;
  // A content type that is not that of our own words can only be that of no words.
  const text = body ?? (headers.some(([name]) => name === 'content-type') ? '' : undefined);
  const given: DenialAnswer = { status, headers: flat(headers), body: text };
  return deny('forbidden', { ...why, answer: given });
}

/** What the author of a body may say of it. */
const ofOwnContent: ReadonlySet<string> = new Set(['content-type', 'content-language', 'location']);

/** As many as `detail` of the record has room for: a note that is cut off would not have been carried out. */
const maxNoteBytes = 2048;

/** A denial if one is not understood to the last member: `severity` beside a note may be what matters about it. */
function readNotes(obligations: Allowed['obligations']): readonly string[] | Denial {
  if (obligations.length === 0) return none;
  const notes: string[] = [];
  for (const { type, note, ...others } of obligations) {
    if (type !== 'audit-note' || typeof note !== 'string' || Object.keys(others).length > 0) {
      return undecided('an obligation that this proxy does not understand');
    }
    notes.push(note);
  }
  if (Buffer.byteLength(notes.join('; ')) <= maxNoteBytes) return notes;
  return undecided(`notes of more than ${maxNoteBytes} bytes, which the record has no room for`);
}

function namesOnly(names: readonly string[]): readonly HeaderLine[] {
  return names.length === 0 ? none : names.map((name) => [name, '']);
}

function refuseHeaders(
  lines: readonly HeaderLine[],
  verb: string,
  isAllowed: (name: string, own: OwnHeaders) => boolean,
  own: OwnHeaders,
): Denial | undefined {
  for (let index = 0; index < lines.length; index += 1) {
    const [name] = lines[index] as HeaderLine;
    if (!isAllowed(name, own)) return undecided(`policy may not ${verb} the header ${name}`);
    // There are few: a set of those before costs more than to look through them.
    const isSecond = index > 0 && lines.findIndex(([earlier]) => earlier === name) < index;
    if (isSecond && !fieldName(name).repeatable) return undecided(`policy has the header ${name} twice`);
  }
  return undefined;
}

function flat(lines: readonly HeaderLine[]): HeaderList {
  if (lines.length === 0) return none;
  const list: string[] = [];
  for (const [name, value] of lines) list.push(name, value);
  return list;
}

const none: readonly never[] = [];
const nobody: ReadonlySet<string> = new Set();

function undecided(detail: string): Denial {
  return deny('policy-undecided', { detail });
}

import { createHash } from 'node:crypto';
import { type Certificate, normalSerial } from './certificate.ts';
import { CertsError } from './errors.ts';
import { parseSpiffeId, type SpiffeId } from './spiffe-id.ts';
import type { Broken } from './svid.ts';

/** The text of the file as it travels to other threads; the name is for records, which say what refused a peer. */
export type DenylistData = { readonly file: string; readonly text: string };

/** Who is refused, ready to be asked: each question is a lookup, but for the few prefixes. */
export type Denylist = {
  readonly ids: ReadonlyMap<string, Entry>;
  readonly prefixes: readonly Entry[];
  /** By serial and issuer: a serial alone names one certificate of each CA (RFC 5280 section 4.1.2.2). */
  readonly serials: ReadonlyMap<string, Entry>;
  readonly keys: ReadonlyMap<string, Entry>;
};

type Kind = keyof typeof readers;
type Entry = { readonly kind: Kind; readonly key: string; readonly shown: string };

export type DenylistProblem = { readonly line: number; readonly column: number; readonly message: string };

/** Throws CertsError `denylist-invalid` with the first problem; `check` shows all of them. */
export function readDenylist({ file, text }: DenylistData): Denylist {
  const { entries, problems } = parseDenylist(text);
  const [problem] = problems;
  if (problem !== undefined) {
    throw new CertsError('denylist-invalid', `${file}:${problem.line}:${problem.column}: ${problem.message}`);
  }
  const of = (kind: Kind) => entries.filter((entry) => entry.kind === kind);
  const mapOf = (kind: Kind) => new Map(of(kind).map((entry) => [entry.key, entry]));
  return {
    ids: mapOf('spiffe-id'),
    prefixes: of('spiffe-prefix'),
    serials: mapOf('serial'),
    keys: mapOf('key-sha256'),
  };
}

/** Every line of the file, or what is wrong with it: a line that was passed over would let in whom it names. */
export function parseDenylist(text: string): {
  readonly entries: readonly Entry[];
  readonly problems: readonly DenylistProblem[];
} {
  const entries: Entry[] = [];
  const problems: DenylistProblem[] = [];
  for (const [index, source] of text.split('\n').entries()) {
    const parsed = parseLine(source.replace(/\r$/, ''));
    if (parsed === undefined) continue;
    if ('kind' in parsed) entries.push({ ...parsed, shown: `line ${index + 1} (${parsed.shown})` });
    else problems.push({ line: index + 1, ...parsed });
  }
  return { entries, problems };
}

const maxReason = 200;

/** `KIND VALUE`, and behind ` # ` why, for the records of those whom it refuses. */
function parseLine(line: string): Entry | Omit<DenylistProblem, 'line'> | undefined {
  const [, indent = '', kind = '', gap = '', rest = ''] = /^(\s*)(\S*)(\s*)(.*)$/.exec(line) ?? [];
  if (kind === '' || kind.startsWith('#')) return undefined;
  if (/[^\t -~]/.test(line))
    return { column: line.search(/[^\t -~]/) + 1, message: 'only printable ASCII may stand here' };
  if (!isKind(kind)) {
    return {
      column: indent.length + 1,
      message: `\`${kind}\` is unknown; allowed: ${Object.keys(readers).join(', ')}`,
    };
  }
  const comment = rest.search(/(^|\s)#(\s|$)/);
  const value = (comment === -1 ? rest : rest.slice(0, comment)).trimEnd();
  const why =
    comment === -1
      ? ''
      : rest
          .slice(comment)
          .replace(/^\s?#\s*/, '')
          .trim()
          .slice(0, maxReason);
  const read = value === '' ? { wrong: 'has no value' } : readers[kind](value);
  if ('wrong' in read)
    return { column: indent.length + kind.length + gap.length + 1, message: `${kind}: ${read.wrong}` };
  return { kind, key: read.key, shown: `${kind} ${value.slice(0, maxReason)}${why === '' ? '' : `: ${why}`}` };
}

type Read = { readonly key: string } | { readonly wrong: string };

const readers = {
  'spiffe-id': readSpiffeId,
  'spiffe-prefix': (value: string): Read => {
    // Without the slash `/ns/a` would refuse `/ns/ab` too.
    if (!value.endsWith('/')) return { wrong: 'does not end with `/`, so that it stands for whole segments' };
    const id = readSpiffeId(value.slice(0, -1));
    return 'wrong' in id ? id : { key: value };
  },
  serial: (value: string): Read => {
    const [, serial, issuer] = /^([0-9A-Fa-f:]+)\s+(\S.*)$/.exec(value) ?? [];
    if (serial === undefined || issuer === undefined) {
      return { wrong: 'expected the serial in hexadecimal and the name of the issuer, both as the audit shows them' };
    }
    return { key: serialKey(normalSerial(serial.replaceAll(':', '')), issuer) };
  },
  'key-sha256': (value: string): Read => {
    const hex = value.replaceAll(':', '').toLowerCase();
    return /^[0-9a-f]{64}$/.test(hex)
      ? { key: hex }
      : { wrong: 'expected the SHA-256 of a public key (SPKI), 64 digits of hexadecimal' };
  },
} as const satisfies Record<string, (value: string) => Read>;

function isKind(text: string): text is Kind {
  return Object.hasOwn(readers, text);
}

function readSpiffeId(value: string): Read {
  try {
    return { key: parseSpiffeId(value) };
  } catch (cause) {
    if (cause instanceof CertsError) return { wrong: cause.message };
    throw cause;
  }
}

function serialKey(serial: string, issuer: string): string {
  return `${serial} ${issuer}`;
}

/** Whether the denylist names the peer, or its certificate or key or those of an issuer. */
export function listedBy(
  denylist: Denylist | undefined,
  spiffeId: SpiffeId,
  path: readonly Certificate[],
): Broken | undefined {
  if (denylist === undefined) return undefined;
  const { ids, prefixes, serials, keys } = denylist;
  const entry =
    ids.get(spiffeId) ??
    prefixes.find(({ key }) => spiffeId.startsWith(key)) ??
    firstOf(path, ({ serial, issuer }) => serials.get(serialKey(serial, issuer))) ??
    (keys.size === 0 ? undefined : firstOf(path, (certificate) => keys.get(keySha256(certificate))));
  return entry && { reason: 'denylisted', detail: `on the denylist: ${entry.shown}` };
}

function firstOf(
  path: readonly Certificate[],
  find: (certificate: Certificate) => Entry | undefined,
): Entry | undefined {
  for (const certificate of path) {
    const found = find(certificate);
    if (found !== undefined) return found;
  }
  return undefined;
}

const keyDigests = new WeakMap<Certificate, string>();

/** Of the public key alone, so that it holds for every certificate that is made for the key. */
function keySha256(certificate: Certificate): string {
  const known = keyDigests.get(certificate);
  if (known !== undefined) return known;
  const der = certificate.openssl.publicKey.export({ type: 'spki', format: 'der' });
  const digest = createHash('sha256').update(der).digest('hex');
  keyDigests.set(certificate, digest);
  return digest;
}

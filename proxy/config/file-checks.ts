import { parseDenylist } from '../../certs/denylist.ts';
import { isJsonObject } from '../../policy/json/json-object.ts';
import { readStrictJson } from '../../policy/json/strict-json.ts';
import { readJwtBundle } from '../caller/jwt-bundle.ts';
import { type JwksReading, readJwks } from '../user/read-jwks.ts';
import { positionOfOffset, positionOfPointer } from './json-position.ts';
import { problemAt } from './problem.ts';
import type { ConfigProblem } from './problem.ts';
import type { FileReference, FileUse } from './shape.ts';
import type { FileFacts, World } from './world.ts';

export const MAX_SCHEMA_BYTES = 4 * 1024 * 1024;
/** Some of the largest sets, with a certificate chain beside each key, have a tenth of it. */
export const MAX_JWKS_BYTES = 256 * 1024;
/** What the policy engine can hold of it in memory is less. */
const MAX_DATA_BYTES = 64 * 1024 * 1024;
/** A list of 100,000 certificates has a quarter of it. */
export const MAX_CRL_BYTES = 16 * 1024 * 1024;
/** A hundred roots, with all that RSA takes, have a fifth of it. */
export const MAX_SPIFFE_BUNDLE_BYTES = 1024 * 1024;
export const MAX_JSON_DEPTH = 256;

const caps: Partial<Record<FileUse, number>> = {
  json: MAX_DATA_BYTES,
  bundle: MAX_DATA_BYTES,
  jwks: MAX_JWKS_BYTES,
  'jwt-bundle': MAX_JWKS_BYTES,
  crl: MAX_CRL_BYTES,
  'spiffe-bundle': MAX_SPIFFE_BUNDLE_BYTES,
};

/** `elsewhere`: whoever loads the configuration compiles them before they judge anything, and refuses what cannot be. */
export type SchemasAre = 'compiled' | 'compiled elsewhere';

/** A sentence for the place that names the file, or problems with places inside the file. */
type Finding = string | readonly ConfigProblem[];

/** Looks at every file that the configuration names: each is read once, and reported wherever it is named. */
export async function checkFiles(
  config: string,
  references: readonly FileReference[],
  world: World,
  schemas: SchemasAre,
): Promise<readonly ConfigProblem[]> {
  const findings = new Map<string, Promise<Finding>>();
  const found = references.map(async ({ file, use, at, path }) => {
    const key = `${use} ${file}`;
    const finding = findings.get(key) ?? checkFile(file, use, world, schemas);
    findings.set(key, finding);
    const about = await finding;
    return typeof about === 'string' ? [problemAt(config, at, path, about)] : about;
  });
  return (await Promise.all(found)).flat();
}

async function checkFile(file: string, use: FileUse, world: World, schemas: SchemasAre): Promise<Finding> {
  // An SVID that is being rotated must not hold up a reload: its source judges it, and keeps the old one.
  if (use === 'identity') return [];
  const facts = await world.stat(file).catch((cause: NodeJS.ErrnoException) => cause);
  if (facts instanceof Error) {
    const willBeMade = facts.code === 'ENOENT' && (use === 'private-folder' || use === 'folder');
    return willBeMade ? [] : `cannot read ${file}: ${reason(facts)}`;
  }
  const wrong = kindProblem(file, use, facts) ?? modeProblem(file, use, facts, world.euid);
  if (wrong !== undefined) return wrong;
  // Reading a bundle is the loader's work, as compiling Rego is.
  if (facts.kind === 'folder' || use === 'bundle') return [];
  const bytes = await world.readFile(file).catch((cause: NodeJS.ErrnoException) => cause);
  if (bytes instanceof Error) return `cannot read ${file}: ${reason(bytes)}`;
  if (use === 'secret') return firstLineIsEmpty(bytes) ? `the first line of ${file} is empty` : [];
  if (use === 'denylist') return checkDenylist(file, bytes);
  // What is in them is looked at by `checkCrls` and `checkFederation`, which know what it has to fit.
  if (use === 'crl' || use === 'certificates' || use === 'spiffe-bundle') return [];
  return use === 'rego' ? [] : checkJson(file, use, bytes, schemas);
}

function kindProblem(file: string, use: FileUse, { kind, sizeBytes }: FileFacts): string | undefined {
  if (use === 'private-folder' || use === 'folder') return kind === 'folder' ? undefined : `${file} is not a folder`;
  if (kind === 'folder') return use === 'rego' || use === 'bundle' ? undefined : `${file} is a folder, not a file`;
  // A FIFO or device would never end or block the reader for good.
  if (kind === 'other') return `${file} is not a regular file`;
  const cap = caps[use] ?? MAX_SCHEMA_BYTES;
  return sizeBytes > cap ? `${file} has ${sizeBytes} bytes, more than ${cap}` : undefined;
}

/** An owner needs nobody else; who is not the owner (a mounted secret) must be in the group that reads. */
function modeProblem(file: string, use: FileUse, facts: FileFacts, euid: number): string | undefined {
  if (use !== 'secret' && use !== 'private-folder') return undefined;
  const forbidden = facts.uid === euid || use === 'private-folder' ? 0o077 : 0o037;
  if ((facts.mode & forbidden) === 0) return undefined;
  const mode = facts.mode.toString(8).padStart(4, '0');
  const better = use === 'secret' ? '0600' : '0700';
  return `others can reach ${file} (mode ${mode}); run \`chmod ${better} ${file}\``;
}

function checkDenylist(file: string, bytes: Uint8Array): readonly ConfigProblem[] {
  const { problems } = parseDenylist(Buffer.from(bytes).toString('utf8'));
  return problems.map(({ line, column, message }) => problemAt(file, { line, column }, [], message));
}

async function checkJson(
  file: string,
  use: FileUse,
  bytes: Uint8Array,
  schemas: SchemasAre,
): Promise<readonly ConfigProblem[]> {
  const reading = readStrictJson(bytes, { maxDepth: MAX_JSON_DEPTH });
  if (!reading.ok) {
    const { offset, detail } = reading.problem;
    return [problemAt(file, positionOfOffset(bytes, offset), [], `not valid JSON: ${detail}`)];
  }
  if (use === 'body-schema' || use === 'parameter-schema') {
    if (schemas === 'compiled elsewhere') return [];
    // Loaded for who has schemas: the compiler of schemas stays in the memory of the process.
    const { schemaProblems } = await import('./schema-check.ts');
    return schemaProblems(bytes, use, file).map(({ pointer, message }) =>
      problemAt(file, positionOfPointer(bytes, pointer), [], `${message}${pointer === '' ? '' : ` (#${pointer})`}`),
    );
  }
  if (use === 'jwks' || use === 'jwt-bundle') {
    const { problems } = await (use === 'jwks' ? readJwks(reading.value) : readWholeJwtBundle(reading.value));
    return problems.map(({ pointer, message }) =>
      problemAt(file, positionOfPointer(bytes, pointer), [], `${pointer === '' ? '' : `${pointer}: `}${message}`),
    );
  }
  return isJsonObject(reading.value)
    ? []
    : [problemAt(file, { line: 1, column: 1 }, [], 'the policy data must be a JSON object')];
}

/** Of a file that is named for its keys, having none is a mistake. */
async function readWholeJwtBundle(document: unknown): Promise<JwksReading> {
  const { keys, problems } = await readJwtBundle(document);
  if (keys.length > 0 || problems.length > 0) return { keys, problems };
  return { keys, problems: [{ pointer: '/keys', message: 'there is no key of use `jwt-svid` among them' }] };
}

function firstLineIsEmpty(bytes: Uint8Array): boolean {
  return bytes.length === 0 || bytes[0] === 0x0a || bytes[0] === 0x0d;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
};

/** What the system said, in words. */
export function reason(error: NodeJS.ErrnoException): string {
  return REASONS[error.code ?? ''] ?? error.code ?? error.message;
}

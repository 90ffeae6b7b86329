import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PolicyError } from '../errors.ts';
import type { Answer, Job } from './job.ts';

export type CompilerOptions = {
  readonly timeoutMs?: number;
  readonly maxMemoryBytes?: number;
  /** Folder of the artefact and its digest file, for tests. */
  readonly artefactFolder?: string;
};

const defaultTimeoutMs = 60_000;
const defaultMemoryBytes = 1024 * 1024 * 1024;
const wasmPageBytes = 65_536;
const folderPrefix = 'portcullis-policy-';
const abandonedAfterMs = 3_600_000;
const damagedExitCode = 65;
/** Of what the compiler says on standard error, a Go stack trace at worst. */
const maxComplaintBytes = 4096;

/** The artefact lies beside this file, in a checkout and in an image alike. */
const artefactFolder = import.meta.dirname;

/** Runs one job in a compiler process of its own, bounded in time and memory. Throws PolicyError. */
export async function runCompiler(job: Job, options: CompilerOptions = {}): Promise<Answer> {
  // Files and not pipes: node:wasi answers EAGAIN on a full pipe, which a Go program takes for a failed write.
  const folder = await mkdtemp(join(tmpdir(), folderPrefix));
  try {
    await removeAbandoned(folder).catch(() => undefined);
    const question = join(folder, 'job.json');
    const answer = join(folder, 'answer.json');
    await writeFile(question, JSON.stringify(job), { mode: 0o600 });
    const input = await open(question, 'r');
    const output = await open(answer, 'wx', 0o600);
    try {
      await runChild(input.fd, output.fd, options);
    } finally {
      await Promise.all([input.close(), output.close()]);
    }
    return JSON.parse(await readFile(answer, 'utf8')) as Answer;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A killed run leaves its folder behind; the next one removes what is ours and an hour older than its own. */
async function removeAbandoned(own: string): Promise<void> {
  const { uid, mtimeMs } = await lstat(own);
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const path = join(tmpdir(), name);
    const found = await lstat(path).catch(() => undefined);
    if (found?.uid !== uid || found.mtimeMs > mtimeMs - abandonedAfterMs) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** What the cache is keyed by: another compiler gives other output. */
export async function compilerDigest(): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(artefactFolder, 'opa.wasm.zst.sha256')))
    .digest('hex');
}

async function runChild(input: number, output: number, options: CompilerOptions): Promise<void> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const artefact = options.artefactFolder ?? artefactFolder;
  // An empty environment: nothing of the caller's secrets or settings reaches the compiler.
  const child = spawn(process.execPath, childArguments(artefact, options), { stdio: [input, output, 'pipe'], env: {} });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < maxComplaintBytes) complaint += text.slice(0, maxComplaintBytes);
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const { promise, resolve, reject } = Promise.withResolvers<string | number>();
  child.once('error', reject);
  child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  const end = await promise
    .catch((cause: unknown) => {
      throw new PolicyError('compiler-failed', 'the compiler process could not be started', { cause });
    })
    .finally(() => clearTimeout(timer));
  if (late) throw new PolicyError('compiler-timeout', `the policy compiler did not finish within ${timeoutMs} ms`);
  if (end === damagedExitCode) {
    throw new PolicyError('compiler-damaged', `${join(artefact, 'opa.wasm.zst')} does not match its SHA-256`);
  }
  if (end !== 0) {
    // Of a stack trace, Node's or Go's, the line that says what happened.
    const said = complaint.split('\n').find((line) => /error|panic|cannot/i.test(line)) ?? complaint.trim();
    throw new PolicyError('compiler-failed', `the policy compiler ended with ${end}: ${said || 'no message'}`);
  }
}

function childArguments(artefact: string, { maxMemoryBytes = defaultMemoryBytes }: CompilerOptions): string[] {
  const program = import.meta.filename.endsWith('.ts') ? './child.ts' : './child.js';
  return [
    '--disable-warning=ExperimentalWarning',
    // The optimising compiler would cost more time and memory than a run this short gets back (measured: half of each).
    '--liftoff-only',
    `--wasm-max-mem-pages=${Math.ceil(maxMemoryBytes / wasmPageBytes)}`,
    fileURLToPath(new URL(program, import.meta.url)),
    artefact,
    String(process.pid),
  ];
}

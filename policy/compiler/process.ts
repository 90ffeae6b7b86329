import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PolicyError } from '../errors.ts';

export type ProcessOptions = {
  readonly timeoutMs?: number;
  readonly maxMemoryBytes?: number;
  /** Folder of the artefact and its digest file, for tests. */
  readonly artefactFolder?: string;
};

/** Files and not pipes: node:wasi answers EAGAIN on a full pipe, which a Go program takes for a failed write. */
export type JobFiles = { readonly question: string; readonly answer: string };

export type CompilerProcess = {
  /** Resolves when the answer is written. Throws PolicyError; the process has ended then. */
  readonly run: (files: JobFiles) => Promise<void>;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<unknown>;
  readonly end: () => void;
};

const defaultTimeoutMs = 60_000;
const defaultMemoryBytes = 1024 * 1024 * 1024;
const wasmPageBytes = 65_536;
const damagedExitCode = 65;
/** Of what the compiler says on standard error, a Go stack trace at worst. */
const maxComplaintBytes = 4096;

/** The artefact lies beside this file, in a checkout and in an image alike. */
const shippedArtefact = import.meta.dirname;

/** Starts OPA's compiler, bounded in memory. It takes one job at a time, each in a memory of its own. */
export function startCompiler(options: ProcessOptions = {}): CompilerProcess {
  const { timeoutMs = defaultTimeoutMs, artefactFolder: artefact = shippedArtefact } = options;
  // An empty environment: nothing of the caller's secrets or settings reaches the compiler.
  const child = spawn(process.execPath, childArguments(artefact, options), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {},
  });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < maxComplaintBytes) complaint += text.slice(0, maxComplaintBytes);
  });
  let late = false;
  const ended = new Promise<PolicyError>((resolve) => {
    child.once('error', (cause) =>
      resolve(new PolicyError('compiler-failed', 'the compiler process could not be started', { cause })),
    );
    child.once('close', (code, signal) =>
      resolve(late ? tooLate(timeoutMs) : failure(code ?? signal ?? 'unknown', complaint, artefact)),
    );
  });
  const end = () => void child.kill('SIGKILL');

  const run = async (files: JobFiles) => {
    const timer = setTimeout(() => {
      late = true;
      end();
    }, timeoutMs);
    const { promise: done, resolve } = Promise.withResolvers<undefined>();
    child.once('message', () => resolve(undefined));
    // What cannot be sent goes to a process that has ended, which says more.
    child.send(files, () => undefined);
    const problem = await Promise.race([done, ended]);
    clearTimeout(timer);
    if (problem !== undefined) throw problem;
  };
  return { run, ended, end };
}

const tooLate = (timeoutMs: number): PolicyError =>
  new PolicyError('compiler-timeout', `the policy compiler did not finish within ${timeoutMs} ms`);

function failure(end: string | number, complaint: string, artefact: string): PolicyError {
  if (end === damagedExitCode) {
    return new PolicyError('compiler-damaged', `${join(artefact, 'opa.wasm.zst')} does not match its SHA-256`);
  }
  // Of a stack trace, Node's or Go's, the line that says what happened.
  const said = complaint.split('\n').find((line) => /error|panic|cannot/i.test(line)) ?? complaint.trim();
  return new PolicyError('compiler-failed', `the policy compiler ended with ${end}: ${said || 'no message'}`);
}

function childArguments(artefact: string, { maxMemoryBytes = defaultMemoryBytes }: ProcessOptions): string[] {
  const program = import.meta.filename.endsWith('.ts') ? './child.ts' : './child.js';
  return [
    '--disable-warning=ExperimentalWarning',
    // The optimising compiler would cost more time and memory than a run this short gets back (measured: half of each).
    '--liftoff-only',
    // The memory of a job is given back when it is done, and not when V8 comes to it.
    '--expose-gc',
    `--wasm-max-mem-pages=${Math.ceil(maxMemoryBytes / wasmPageBytes)}`,
    fileURLToPath(new URL(program, import.meta.url)),
    artefact,
    String(process.pid),
  ];
}

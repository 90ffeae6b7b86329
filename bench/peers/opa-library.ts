import { spawn } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemErrorText } from '../../policy/system-error.ts';
import { wholeText } from '../../policy/engines/projection.ts';
import { answerText } from '../policy/answer.ts';
import type { Bench } from '../run.ts';
import { type Subject, type Turn, Unable } from '../subject.ts';
import { lastLine, type OpaPolicy, opaQuery, output, watched } from './opa.ts';

const source = join(import.meta.dirname, 'opa-library');
const folder = join(import.meta.dirname, '../../node_modules/.cache/portcullis-bench');

/** Builds the program around OPA's Go library. Throws Unable without Go, or without its source, as in an image. */
export async function buildOpaLibrary(): Promise<string> {
  const program = join(folder, 'opa-library');
  if (isNewer(program, ['main.go', 'go.mod', 'go.sum'])) return program;
  makeFolder();
  await output('go', ['build', '-C', source, '-o', program, '.']).catch((cause: NodeJS.ErrnoException) => {
    throw new Unable(cause.code === 'ENOENT' ? 'there is no go' : `go build: ${cause.message}`);
  });
  return program;
}

/** An installation that belongs to somebody else has no room for it. */
function makeFolder(): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new Unable(`${folder}: ${systemErrorText(cause)}`);
  }
}

function isNewer(program: string, names: readonly string[]): boolean {
  try {
    const built = statSync(program).mtimeMs;
    return names.every((name) => statSync(join(source, name)).mtimeMs < built);
  } catch {
    return false;
  }
}

/** OPA as a Go library, which times itself: what it costs without a network or another process in between. Throws Unable. */
export async function opaLibrary(
  t: Bench,
  program: string,
  policy: OpaPolicy,
  inputs: readonly unknown[],
): Promise<Subject> {
  const { source: given } = policy;
  const files = given.kind === 'bundle' ? ['bundle', given.path] : ['files', given.data, ...given.rego];
  const child = spawn(program, [opaQuery(policy), ...files], { stdio: ['pipe', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  // A program that has ended shows as an end of its lines.
  child.on('error', () => undefined).stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async <Line>(): Promise<Line> => {
    const line = await lines.next();
    if (line.done !== true) return JSON.parse(line.value) as Line;
    await ended;
    throw new Unable(lastLine(said) || 'its program ended');
  };
  const { version } = await read<{ readonly version: string }>();
  const ask = (times: number): Promise<Decided> => {
    child.stdin.write(`${wholeText({ inputs, times })}\n`);
    return read<Decided>();
  };
  return {
    name: "OPA's Go library",
    about: `OPA ${version} in a Go program, prepared query, input already parsed`,
    tells: 'result',
    answers: async () => (await ask(1)).answers.map(answered),
    turn: async (times) => turn(child.pid ?? 0, () => ask(times)),
    stages: async () => [],
  };
}

type Decided = {
  readonly nanos: readonly number[];
  /** Of the first time. */
  readonly answers: readonly { readonly result?: unknown; readonly error?: string }[];
  readonly cpuNanos: number;
};

function answered({ result, error }: Decided['answers'][number], index: number): string {
  if (error !== undefined) throw new Unable(error, index);
  return answerText(result);
}

/** Its own processor time leaves out what it takes to read the question. */
async function turn(pid: number, ask: () => Promise<Decided>): Promise<Turn> {
  let cpuNanos = 0;
  const { micros, residentBytes } = await watched(pid, async () => {
    const decided = await ask();
    cpuNanos = decided.cpuNanos;
    return Float64Array.from(decided.nanos, (nanos) => nanos / 1000);
  });
  return { micros, residentBytes, cpuMicros: cpuNanos / 1000 };
}

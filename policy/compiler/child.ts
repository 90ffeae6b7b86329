/**
 * The body of the compiler process: verifies and unpacks the artefact, then runs it for each job that it is sent. It is a
 * process of its own because it takes about 270 MB while it runs, and because a process can be killed.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WASI } from 'node:wasi';
import { Worker } from 'node:worker_threads';
import { zstdDecompressSync } from 'node:zlib';
import type { JobFiles } from './process.ts';

/** Tells `process.ts` apart: the artefact is damaged, against: the compiler failed. */
const damagedExitCode = 65;
/** The module is 40 MB; what unpacks to more is not it. */
const maxUnpackedBytes = 128 * 1024 * 1024;

const [folder = import.meta.dirname, parent] = process.argv.slice(2);
const compressed = readFileSync(join(folder, 'opa.wasm.zst'));
const recorded = readFileSync(join(folder, 'opa.wasm.zst.sha256'), 'utf8');
const digest = createHash('sha256').update(compressed).digest('hex');

const watch = import.meta.filename.endsWith('.ts')
  ? new URL('./watch-parent.ts', import.meta.url)
  : new URL('./watch-parent.js', import.meta.url);
new Worker(watch, { workerData: Number(parent) }).unref();

// Before unpacking: a decompressor is not a place to feed unverified bytes to.
if (recorded.split(/\s+/)[0] !== digest) process.exit(damagedExitCode);
const module = new WebAssembly.Module(zstdDecompressSync(compressed, { maxOutputLength: maxUnpackedBytes }));

process.on('disconnect', () => process.exit());
process.on('message', (files: JobFiles) => {
  const code = run(files);
  // What failed once is not asked again.
  if (code !== 0) process.exit(code);
  process.send?.('done');
  globalThis.gc?.();
});

function run({ question, answer }: JobFiles): number {
  const [stdin, stdout] = [openSync(question, 'r'), openSync(answer, 'wx', 0o600)];
  // No folder is opened for it and nothing of the environment passed: it reads its question, writes its answer, and reaches nothing.
  const wasi = new WASI({
    version: 'preview1',
    args: ['compiler'],
    env: { GOGC: '200' },
    returnOnExit: true,
    stdin,
    stdout,
  });
  // An instance for each job: none finds in memory what another has left there.
  const code = wasi.start(new WebAssembly.Instance(module, wasi.getImportObject() as WebAssembly.Imports));
  closeSync(stdin);
  closeSync(stdout);
  return code;
}

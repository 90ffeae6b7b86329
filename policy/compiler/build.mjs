// Builds the compiler artefact from its Go source, or with --check proves that the one in the repository is what the
// source gives. Needs Go and Node, nothing else: plain JavaScript, so that it runs before anything is installed.
//
//   node policy/compiler/build.mjs            writes opa.wasm.zst and opa.wasm.zst.sha256
//   node policy/compiler/build.mjs --check    builds into a temporary folder and compares digests; writes nothing
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

const folder = import.meta.dirname;
const artefact = join(folder, 'opa.wasm.zst');
const digests = `${artefact}.sha256`;

/** Go writes its own version into what it builds, so the version is part of the source. */
const toolchain = /^toolchain (\S+)$/m.exec(readFileSync(join(folder, 'go.mod'), 'utf8'))?.[1];

const checking = process.argv.includes('--check');
process.exitCode = checking ? check() : write();

function write() {
  const wasm = compile();
  if (wasm === undefined) return 3;
  const compressed = zstdCompressSync(wasm, {
    params: { [constants.ZSTD_c_compressionLevel]: 22, [constants.ZSTD_c_windowLog]: 27 },
    pledgedSrcSize: wasm.length,
  });
  writeFileSync(artefact, compressed);
  writeFileSync(digests, `${sha256(compressed)}  opa.wasm.zst\n${sha256(wasm)}  opa.wasm\n`);
  console.log(`wrote opa.wasm.zst, ${compressed.length} bytes of ${wasm.length}`);
  return 0;
}

/** Compares what is inside the compressed file: another release of zstd may compress the same bytes differently. */
function check() {
  const compressed = readFileSync(artefact);
  const recorded = readFileSync(digests, 'utf8');
  if (!recorded.includes(`${sha256(compressed)}  opa.wasm.zst\n`)) {
    console.error('opa.wasm.zst is not what opa.wasm.zst.sha256 says');
    return 1;
  }
  const shipped = sha256(zstdDecompressSync(compressed));
  if (!recorded.includes(`${shipped}  opa.wasm\n`)) {
    console.error('the module inside opa.wasm.zst is not what opa.wasm.zst.sha256 says');
    return 1;
  }
  const wasm = compile();
  if (wasm === undefined) return 3;
  if (sha256(wasm) !== shipped) {
    console.error(`the source gives ${sha256(wasm)}, but ${shipped} is shipped; run node policy/compiler/build.mjs`);
    return 1;
  }
  console.log(`opa.wasm.zst holds what ${toolchain} makes of the source: sha256 ${shipped}`);
  return 0;
}

/** Nothing of the machine may reach the result: not its paths, flags, workspace or version control. */
function compile() {
  const out = mkdtempSync(join(tmpdir(), 'portcullis-compiler-'));
  try {
    const output = join(out, 'opa.wasm');
    const flags = ['-trimpath', '-buildvcs=false', '-mod=readonly', '-ldflags=-s -w -buildid='];
    const { error, status } = spawnSync('go', ['build', ...flags, '-o', output, '.'], {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        GOOS: 'wasip1',
        GOARCH: 'wasm',
        GOWASM: '',
        CGO_ENABLED: '0',
        GOFLAGS: '',
        GOEXPERIMENT: '',
        GOWORK: 'off',
        GOTOOLCHAIN: toolchain,
      },
    });
    if (error?.code === 'ENOENT') {
      console.error(
        `Go is not installed or not on the PATH; ${toolchain} builds policy/compiler, see https://go.dev/dl`,
      );
      return undefined;
    }
    if (status !== 0) {
      console.error(`go build failed (${error?.message ?? `exit code ${status}`}); ${toolchain} is needed`);
      return undefined;
    }
    return readFileSync(output);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

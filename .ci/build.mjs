// The product as plain JavaScript, for the image and for hosts that start it from one: no types are stripped while it starts, and a
// thread finds what it loads in few files.
// Usage: node .ci/build.mjs [FOLDER], `dist` unless given. What is built finds its packages as any module does, in a
// `node_modules` in or above the folder.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');

/** What a running product reads beside its code. Sources of the compiler and settings of the benchmark's peers are not among it. */
const assets = [
  'package.json',
  'LICENSE',
  ...['certs', 'policy', 'proxy', 'bench/report', 'bench/workload'].flatMap(filesBelow),
  'bench/result.schema.json',
  'bench/peers/ext-authz.proto',
].filter((path) => !/\.(?:ts|go|md)$|\/go\.(?:mod|sum)$|\/build\.mjs$|^certs\/workload-api\/proto\//.test(path));

function filesBelow(folder) {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** Types are a gate of their own (`npm test`), which an image need not pass a second time. Says itself what is wrong. */
function compile(folder) {
  const words = [tsc, '--noCheck', '--project', join(root, 'tsconfig.build.json'), '--outDir', folder];
  return spawnSync(process.execPath, words, { cwd: root, stdio: 'inherit' }).status === 0;
}

async function build(folder) {
  // Only what an earlier build has made is removed.
  if (existsSync(join(folder, 'proxy/main.js'))) rmSync(folder, { recursive: true });
  const compiled = mkdtempSync(join(tmpdir(), 'portcullis-build-'));
  try {
    if (!compile(compiled)) return false;
    await bundle(compiled, folder);
  } finally {
    rmSync(compiled, { recursive: true });
  }
  for (const path of assets) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path));
  }
  return true;
}

if (!(await build(resolve(process.argv[2] ?? join(root, 'dist'))))) process.exitCode = 1;

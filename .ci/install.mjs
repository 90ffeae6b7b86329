// Installs the locked dependencies, the pinned Node among them, and does nothing when they are there already.
// Usage: node .ci/install.mjs runtime|all. It runs before the pinned Node exists: plain JavaScript for Node 18 and later.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '..', '..');

/** What is wrong with `node_modules` compared with the lockfile, or undefined. npm writes its own record as its last step. */
export function difference(lock, record, scope, platform) {
  if (record === undefined) return 'nothing is installed';
  for (const [path, wanted] of Object.entries(lock.packages)) {
    if (path === '' || (wanted.dev && scope === 'runtime')) continue;
    const have = record.packages[path];
    // npm leaves out optional packages of other platforms, and what only those need; the pinned Node is no option for us.
    if (have === undefined && wanted.optional && path !== pinnedNode(lock, platform)?.[0]) continue;
    if (have?.version !== wanted.version) return `${path} is ${have?.version ?? 'missing'}, not ${wanted.version}`;
    if (have.integrity !== wanted.integrity) return `${path} is not the locked copy`;
  }
  return undefined;
}

function runsOn(entry, { os, cpu }) {
  return entry.os?.includes(os) && entry.cpu?.includes(cpu);
}

/** The package that carries the pinned Node for a platform, or undefined where nobody publishes one. */
export function pinnedNode(lock, platform) {
  return Object.entries(lock.packages).find(
    ([path, entry]) => /^node_modules\/node-(bin-)?(linux|darwin)-/.test(path) && runsOn(entry, platform),
  );
}

/** Why nothing can be installed below a folder, or undefined; npm would say it with a stack of its own. */
export function unwritable(folder) {
  const folders = [folder, join(folder, 'node_modules')].filter((path) => path === folder || existsSync(path));
  for (const path of folders) {
    try {
      accessSync(path, constants.W_OK);
    } catch (cause) {
      return `this user may not write to ${path} (${cause.code})`;
    }
  }
  return undefined;
}

/** What npm said without the places in its own code. */
export function withoutStack(said) {
  return said
    .split('\n')
    .filter((line) => !/^npm (error|ERR!)\s+at /.test(line))
    .join('\n');
}

function install(scope, reason) {
  const obstacle = unwritable(root);
  if (obstacle)
    fail(`${reason}, and ${obstacle}`, 'Make it writable, or copy this clone to where this user may write.');
  console.error(`Installing the locked dependencies (${scope}): ${reason}. This takes some seconds, once.`);
  // --loglevel=error: the older Node that runs npm is not the one that runs Portcullis, so EBADENGINE says nothing.
  const words = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--include=optional', '--loglevel=error'];
  words.push(scope === 'runtime' ? '--omit=dev' : '--include=dev');
  // The npm that started us, under its own Node: the Node of node_modules is about to be replaced.
  const { npm_execpath: script, npm_node_execpath: node } = process.env;
  const [file, args] = script && node ? [node, [script, ...words]] : ['npm', words];
  const { status, error, stdout, stderr } = spawnSync(file, args, { cwd: root, encoding: 'utf8' });
  if (status === 0) return;
  const said = withoutStack(`${stdout ?? ''}${stderr ?? ''}`).trim();
  fail(`npm ci failed${error ? `: ${error.message}` : ''}`, said || 'npm said nothing; run `npm ci` to see more.');
}

function fail(what, remedy) {
  console.error(`error: ${what}\n  ${remedy.replaceAll('\n', '\n  ')}`);
  process.exit(1);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch (cause) {
    if (cause.code === 'ENOENT') return undefined;
    throw cause;
  }
}

function main(scope) {
  if (scope !== 'runtime' && scope !== 'all') fail(`unknown scope ${scope}`, 'usage: node .ci/install.mjs runtime|all');
  const platform = { os: process.platform, cpu: process.arch };
  const lock = readJson('package-lock.json') ?? fail('package-lock.json is missing', 'git checkout package-lock.json');
  const pinned = pinnedNode(lock, platform);
  if (pinned === undefined) {
    fail(`no Node is pinned for ${platform.os}-${platform.cpu}`, 'Use Linux or macOS on x64 or arm64, or a container.');
  }
  const link = join(root, 'node_modules', '.bin', 'node');
  const reason = existsSync(link)
    ? difference(lock, readJson('node_modules/.package-lock.json'), scope, platform)
    : 'the pinned Node is missing';
  if (reason === undefined) return;
  install(scope, reason);
  // npm 10 links the commands of our dependencies, but not this one (seen with 10.9.4).
  if (!existsSync(link)) symlinkSync(join('..', '..', pinned[0], 'bin', 'node'), link);
  const node = spawnSync(link, ['--version'], { encoding: 'utf8' });
  if (node.stdout?.trim() === `v${pinned[1].version}`) return;
  fail(
    `the pinned Node ${pinned[1].version} does not run on this machine`,
    `${(node.error?.message ?? node.stderr).trim() || `it answered ${node.stdout}`}\nIt needs glibc (Alpine Linux has musl).`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv[2]);

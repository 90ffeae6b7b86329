// What a thread or process of the product loads at once in few files, in place of the hundreds that it is written in: to find,
// read and link each by itself was a quarter of a start (bench/README.md, Start).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const modules = fileURLToPath(new URL('../node_modules', import.meta.url));

/** What is started by its path: the process, its threads, and the processes that it starts. */
export const started = [
  'proxy/main.js',
  'proxy/data/thread.js',
  'proxy/data/trial.js',
  'policy/compiler/child.js',
  'policy/compiler/watch-parent.js',
  'bench/load/generator-process.js',
  'bench/load/metronome-thread.js',
  'bench/policy/decider.js',
  'bench/proxy/builtin-workload-process.js',
  'bench/proxy/proxy-process.js',
];

/**
 * The packages of a start, 400 files, with those that they need; `asn1js` because there must not be two of it. The others stay
 * as the lockfile installs them and are loaded from there by who asks for them.
 */
const inlined = ['@peculiar/x509', 'ajv', 'ajv-formats', 'asn1js', 'fastest-levenshtein', 'ipaddr.js', 'yaml'];

/** Node's `require`, for inlined packages that were written for it, and where everything lies that has not moved. */
const banner = `const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);
const bundledRoot = new globalThis.URL('@ROOT@', import.meta.url);`;

/** Bundles JavaScript as tsc has written it; each file that is started keeps its path. Rejects with what esbuild says. */
export async function bundle(from, to) {
  const { outputFiles } = await build({
    absWorkingDir: from,
    outbase: from,
    outdir: to,
    entryPoints: started,
    chunkNames: 'chunks/[name]-[hash]',
    nodePaths: [modules],
    mainFields: ['module', 'main'],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    write: false,
    logLevel: 'warning',
    banner: { js: banner },
    plugins: [packages, ownModules(from)],
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.replace('@ROOT@', join(relative(dirname(path), to), './')));
  }
}

const packages = {
  name: 'packages',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, importer }) => {
      const isOurs = inlined.some((name) => path === name || path.startsWith(`${name}/`));
      return isOurs || importer.startsWith(modules) ? undefined : { path, external: true };
    });
  },
};

const ownModules = (from) => ({
  name: 'own modules',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (path.startsWith(modules)) return undefined;
      const source = readFileSync(path, 'utf8');
      return { contents: withoutFacades(inPlace(source, relative(from, path))), loader: 'js' };
    });
  },
});

/** A module asks for files beside it. It has moved, they have not: it is told where it was written. */
function inPlace(source, file) {
  const url = (path) => `new URL(${JSON.stringify(path)}, bundledRoot)`;
  const path = (path) => `process.getBuiltinModule('node:url').fileURLToPath(${url(path)})`;
  return source
    .replaceAll('import.meta.url', `${url(file)}.href`)
    .replaceAll('import.meta.filename', path(file))
    .replaceAll('import.meta.dirname', path(dirname(file)));
}

/**
 * An import of a module of Node's reads every name that it has, and some load more of Node when they are read: streams of
 * files, web cryptography.
 */
function withoutFacades(source) {
  const imports = /^import (?:\* as (\w+)|(\w+)|(\{[^}]*\})) from ["'](node:[\w/]+)["'];$/gm;
  return source.replaceAll(imports, (_, all, whole, names, module) => {
    const wanted = all ?? whole ?? names.replaceAll(' as ', ': ');
    return `const ${wanted} = process.getBuiltinModule(${JSON.stringify(module)});`;
  });
}

// The Go modules inside policy/compiler/opa.wasm.zst, which no package manager knows of.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';

const file = (root, name) => readFileSync(join(root, 'policy/compiler', name));
/** Between these Go's linker writes what it has linked (cmd/go/internal/modload/build.go). */
const [begin, end] = ['3077af0c9274080241e1c107e6d618e6', 'f932433186182072008242104116d8f2'];

/** As [name, version], Go's own library first. */
export function linkedModules(root) {
  const wasm = zstdDecompressSync(file(root, 'opa.wasm.zst'));
  const from = wasm.indexOf(begin, 0, 'hex');
  const text = wasm.subarray(from + begin.length / 2, wasm.indexOf(end, from, 'hex')).toString('utf8');
  const [, toolchain] = /^toolchain go(\S+)$/m.exec(file(root, 'go.mod').toString('utf8'));
  return [['std', `v${toolchain}`], ...[...text.matchAll(/^dep\t(\S+)\t(\S+)/gm)].map(([, ...module]) => module)];
}

/** Under which licence LICENSES.txt has each module, by `name version`. */
export function licencesOfModules(root) {
  const headings = file(root, 'LICENSES.txt')
    .toString('utf8')
    .matchAll(/^== (\S+ \S+) \((.+)\)$/gm);
  return new Map([...headings].map(([, module, licence]) => [module, licence]));
}

/** Components of a bill of materials in CycloneDX. */
export function moduleComponents(root) {
  const licences = licencesOfModules(root);
  return linkedModules(root).map(([name, version]) => {
    const expression = licences.get(`${name} ${version}`);
    if (expression === undefined) throw new Error(`LICENSES.txt lacks ${name} ${version}: run node .ci/licences.mjs`);
    return { type: 'library', name, version, purl: `pkg:golang/${name}@${version}`, licenses: [{ expression }] };
  });
}

// npm's bill of materials of the packages, with the modules inside the policy compiler, Node and the libraries it is linked with
// added, and without time and chance, so that two builds of the same things say the same. Usage: node sbom.mjs FILE FOLDER, which holds node_modules.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installed, onlyInstalled } from './bill.mjs';
import { moduleComponents } from './compiler-modules.mjs';

const [file, folder] = process.argv.slice(2);
const packages = installed(folder).map(([, name]) => name);
const bill = onlyInstalled(JSON.parse(readFileSync(file, 'utf8')), packages);
delete bill.serialNumber;
delete bill.metadata.timestamp;

/** A text of many parts, which the Dockerfile puts there. */
const licenceIn = (path) => [{ license: { name: `as in /usr/share/doc/${path}` } }];

const node = {
  type: 'platform',
  name: 'node',
  version: process.versions.node,
  purl: `pkg:generic/node@${process.versions.node}`,
  licenses: licenceIn('node/LICENSE'),
};

/** Debian's packages behind the libraries that the loader finds for Node. */
function libraries() {
  const linked = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  const names = new Set(linked.map(packageOf));
  return [...names]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) => {
      const version = execFileSync('dpkg-query', ['--show', '--showformat', '${Version}', name], { encoding: 'utf8' });
      const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}`;
      return { type: 'library', name, version, purl, licenses: licenceIn(`${name}/copyright`) };
    });
}

/** dpkg knows some files below /usr only, and others below the link to it only. */
function packageOf(path) {
  for (const each of [path, `/usr${path}`, path.replace(/^\/usr/, '')]) {
    try {
      const found = execFileSync('dpkg-query', ['--search', each], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const owner = found.split('\n').find((line) => line !== '' && !line.startsWith('diversion '));
      if (owner !== undefined) return owner.split(':')[0];
    } catch {
      // Asked again under the other name.
    }
  }
  throw new Error(`no package of Debian owns ${path}`);
}

const root = fileURLToPath(new URL('../..', import.meta.url));
bill.components.push(...moduleComponents(root), node, ...libraries());
process.stdout.write(`${JSON.stringify(bill, undefined, 1)}\n`);

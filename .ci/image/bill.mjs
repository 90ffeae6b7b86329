// A bill of materials next to what is on disk.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The packages below a folder, as [path, name@version]; nothing that npm has written about them is asked. */
export function installed(folder) {
  const modules = join(folder, 'node_modules');
  if (!existsSync(modules)) return [];
  const names = readdirSync(modules).flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(modules, name)).map((each) => `${name}/${each}`) : [name],
  );
  return names
    .map((name) => join(modules, name))
    .filter((path) => existsSync(join(path, 'package.json')))
    .flatMap((path) => {
      const { name, version } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
      return [[path, `${name}@${version}`], ...installed(path)];
    });
}

const nameOf = ({ name, version }) => `${name}@${version}`;
const isOfNpm = ({ purl }) => purl.startsWith('pkg:npm/');

/** What is in one of them only. */
export function differences({ components }, onDisk) {
  const [named, there] = [new Set(components.filter(isOfNpm).map(nameOf)), new Set(onDisk)];
  return [
    ...[...there.difference(named)].map((each) => `${each} is installed, and not in the bill`),
    ...[...named.difference(there)].map((each) => `${each} is in the bill, and not installed`),
  ];
}

/**
 * A bill of everything in the lockfile, cut down to what is installed. `npm sbom --omit=dev` is no help: it leaves out what
 * a development dependency needs too, `yaml` for one.
 */
export function onlyInstalled(bill, onDisk) {
  const there = new Set(onDisk);
  const components = bill.components.filter((each) => there.has(nameOf(each)));
  const references = new Set([bill.metadata.component, ...components].map((each) => each['bom-ref']));
  const dependencies = bill.dependencies
    .filter(({ ref }) => references.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => references.has(each)) }));
  return { ...bill, components, dependencies };
}

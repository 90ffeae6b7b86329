// Writes what has to be known of the licences of what we ship: docs/licences.md, and the texts of those of the Go modules inside
// the policy compiler, which npm does not install. Usage, after a change of a dependency: node .ci/licences.mjs (needs Go and npm)
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installed, onlyInstalled } from './image/bill.mjs';
import { linkedModules, moduleComponents } from './image/compiler-modules.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const compiler = join(root, 'policy/compiler');
export const pageFile = join(root, 'docs/licences.md');
const says = (command, words, cwd) => execFileSync(command, words, { cwd, encoding: 'utf8', stdio: 'pipe' });

/** Of what is on this disk, what the lockfile gives to who only runs the product, as name@version. */
export function shipped() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const isLeftOut = ({ dev, optional, devOptional }) => dev === true || optional === true || devOptional === true;
  return installed(root)
    .filter(([path]) => !isLeftOut(packages[relative(root, path)] ?? {}))
    .map(([, name]) => name);
}

/** npm's bill of everything in the lockfile. */
export const billOfAll = () =>
  JSON.parse(says('npm', ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'], root));

const licenceOf = ({ licenses }) =>
  licenses
    .map(({ expression, license }) => (expression ?? license.id ?? license.name).replace(/^\((.*)\)$/, '$1'))
    .join(', ');

const byText = (a, b) => (a < b ? -1 : 1);

/** docs/licences.md, of the components of a bill. */
export function page(components) {
  const byLicence = Map.groupBy([...components, ...moduleComponents(root)], licenceOf);
  const rows = [...byLicence]
    .toSorted(([a], [b]) => byText(a, b))
    .map(([licence, of]) => `| ${licence} | ${[...new Set(of.map(({ name }) => name))].toSorted(byText).join(', ')} |`);
  return `<!-- Made by .ci/licences.mjs. -->
# Licences of what the image holds

Portcullis itself: [Apache-2.0](../LICENSE). The texts that packages bring lie in \`node_modules\`, those of the Go modules inside the
policy compiler (names with a slash and no \`@\`, and \`std\`, Go's own library) in [LICENSES.txt](../policy/compiler/LICENSES.txt).

| licence | of |
|---|---|
${rows.join('\n')}

Node is under MIT, its parts under licences of their own: \`/usr/share/doc/node/LICENSE\` in the image. Of Debian are the libraries that Node is linked with, of the GNU C
Library (LGPL-2.1-or-later) and of GCC (GPL-3.0-or-later with GCC's exception for its runtime libraries): \`/usr/share/doc/*/copyright\`.
Versions are in the bill of materials, \`/portcullis/sbom.cdx.json\`.
`;
}

const known = [
  ['Apache-2.0', /Apache License,?\s+Version 2\.0/],
  ['BSD-3-Clause', /Redistributions in binary form[^]*Neither the name/],
  ['MIT', /Permission is hereby granted, free of charge/],
];

/** Names of licences in a text; throws for one that nobody has looked at yet. */
function identify(text, module) {
  const found = known.filter(([, sign]) => sign.test(text)).map(([name]) => name);
  if (found.length === 0) throw new Error(`${module} has a licence that is not known here`);
  return found.join(' AND ');
}

/** The texts of all modules, one that several have once. */
function texts() {
  const downloaded = says('go', ['mod', 'download', '-json'], compiler).replaceAll('}\n{', '},{');
  const folders = new Map(JSON.parse(`[${downloaded}]`).map(({ Path, Dir }) => [Path, Dir]));
  folders.set('std', says('go', ['env', 'GOROOT'], compiler).trim());
  const withText = Map.groupBy(linkedModules(root), ([name]) => {
    const folder = folders.get(name);
    const files = readdirSync(folder).filter((each) => /^(?:licen[cs]e|notice|patents)/i.test(each));
    return files.map((each) => readFileSync(join(folder, each), 'utf8').trim()).join('\n\n');
  });
  const parts = [...withText].map(([text, modules]) => {
    const headings = modules.map((module) => `== ${module.join(' ')} (${identify(text, module)})`);
    return `${headings.join('\n')}\n\n${text}\n`;
  });
  return `What opa.wasm.zst is linked with, and under which licences. Made by .ci/licences.mjs.\n\n${parts.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(compiler, 'LICENSES.txt'), texts());
  writeFileSync(pageFile, page(onlyInstalled(billOfAll(), shipped()).components));
}

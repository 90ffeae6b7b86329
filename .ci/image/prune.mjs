// Removes from node_modules what no running program reads. Usage: node prune.mjs NODE_MODULES
import { globSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
/** Types, source maps, and sources that the JavaScript beside them was made from; licences stay, as they ask to. */
const unread = /\.(?:d\.[cm]?ts|[cm]?ts|map|flow|md|markdown)$/i;

for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (entry.isFile() && unread.test(entry.name) && !/licen[cs]e|notice/i.test(entry.name)) rmSync(path);
}
// What packages bring along for their own makers, beside their package.json.
for (const name of ['test', 'tests', 'examples']) {
  for (const path of globSync(`**/node_modules/{*,@*/*}/${name}`, { cwd: join(folder, '..') })) {
    rmSync(join(folder, '..', path), { recursive: true });
  }
}
// Whole programs for browsers, which nothing in these packages leads to from Node.
for (const path of ['node-forge/dist', 'pako/dist', 'protobufjs/dist']) rmSync(join(folder, path), { recursive: true });
// What the bundle has taken in (../bundle.mjs) and no other package asks for; name, version and licence stay.
for (const path of globSync('{@peculiar/*/build,tsyringe/dist}', { cwd: folder })) {
  rmSync(join(folder, path), { recursive: true });
}
// Links to commands of packages, none of which the product calls.
rmSync(join(folder, '.bin'), { recursive: true, force: true });

// Whether a bill of materials names the packages that are installed, and no others.
// Usage: node compare-sbom.mjs FOLDER, which holds sbom.cdx.json and node_modules.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { differences, installed } from './bill.mjs';

const folder = process.argv[2];
const bill = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8'));
const packages = installed(folder).map(([, name]) => name);
const wrong = differences(bill, packages);
for (const each of wrong) console.error(each);
if (wrong.length === 0) console.log(`bill of materials: ${packages.length} packages, as installed`);
process.exit(wrong.length === 0 ? 0 : 1);

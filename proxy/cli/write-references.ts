import { writeFileSync } from 'node:fs';
import { currentCapabilities } from '../../policy/compiler/capabilities.ts';
import { references } from './references.ts';

// `npm run docs`. A test keeps the files equal to what this writes.
const write = (path: string, text: string) => writeFileSync(new URL(`../../${path}`, import.meta.url), text);

// First, because docs/built-ins.md is made from it.
write('policy/capabilities.json', await currentCapabilities());
for (const [path, text] of await references()) write(path, text);

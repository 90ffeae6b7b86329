import { writeFileSync } from 'node:fs';
import { references } from './references.ts';

// `npm run docs`. A test keeps the files equal to what this writes.
for (const [path, text] of references()) writeFileSync(new URL(`../../${path}`, import.meta.url), text);

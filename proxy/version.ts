import { readFileSync } from 'node:fs';

const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** Of this program; the manifest is the only place where it is written. */
export const { version } = manifest as { readonly version: string };

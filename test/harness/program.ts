import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../proxy/main.ts', import.meta.url));
/** As the launcher and the image start it. */
const started = [
  process.execPath,
  '--disable-proto=delete',
  '--disable-sigusr1',
  '--no-addons',
  '--expose-gc',
  main,
] as const;
const coverage = process.env['_TAPJS_PROCESSINFO_COVERAGE_'] !== '0';

/**
 * The first words of every `portcullis` command that a test runs. tap puts its loader into NODE_OPTIONS of each child, where
 * every thread pays for it and nobody else's portcullis has it: it goes along only where coverage is measured.
 * `env` becomes the program that it names, so signals and the process id are the product's.
 */
export const [program, ...programWords]: readonly [string, ...string[]] = coverage
  ? started
  : ['/usr/bin/env', '-u', 'NODE_OPTIONS', ...started];

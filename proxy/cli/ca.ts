import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CertsError } from '../../certs/errors.ts';
import { systemErrorText } from '../../certs/system-error.ts';
import { type LocalCa, openExistingCa, openLocalCa } from '../../certs/local-ca/local-ca.ts';
import { outputFolder, readPassphrase, writeOutput } from '../../certs/local-ca/secret-files.ts';
import { hasCa } from '../../certs/local-ca/state.ts';
import { writeSvid } from '../../certs/local-ca/write-svid.ts';
import { parseSpiffeId, parseTrustDomain } from '../../certs/spiffe-id.ts';
import type { SvidMaterial } from '../../certs/sources/svid-source.ts';
import { DURATION_UNITS } from '../config/amounts.ts';
import { descriptionText } from './ca-text.ts';
import { type Arguments, type Command, type Io, requiredValue, UsageError, valueOf } from './command.ts';

const STATE = { name: 'state', value: 'DIR', required: true, help: 'State folder of the CA (mode 0700).' } as const;
const PASSPHRASE = {
  name: 'passphrase-file',
  value: 'FILE',
  help: 'File (mode 0600) whose first line encrypts the keys of the CA.',
} as const;
const JSON_OPTION = { name: 'json', help: 'Print JSON.' } as const;
const exitCodes = { 0: 'done' };

const init: Command = {
  path: ['ca', 'init'],
  summary: 'Create a root and an issuing CA in a state folder',
  options: [
    STATE,
    { name: 'trust-domain', value: 'NAME', required: true, help: 'Trust domain, such as shop.example.' },
    { name: 'key', value: 'CURVE', help: 'P-256 (default) or P-384.' },
    PASSPHRASE,
    JSON_OPTION,
  ],
  exitCodes,
  run: async (args, io) => {
    const stateFolder = fileOf(args, io, 'state');
    const trustDomain = parseTrustDomain(requiredValue(args, 'trust-domain'));
    const keyAlgorithm = curveOf(args);
    if (await hasCa(stateFolder)) throw new CertsError('ca-exists', `there is a CA in ${stateFolder} already`);
    const secret = await passphraseOf(args, io);
    const ca = await openLocalCa({ stateFolder, trustDomain, keyAlgorithm, ...secret, now: io.now });
    return closing(ca, () => show(ca, args, io));
  },
};

const issue: Command = {
  path: ['ca', 'issue'],
  summary: 'Issue an SVID and write its key, certificate and trust bundle',
  options: [
    STATE,
    { name: 'id', value: 'SPIFFE_ID', required: true, help: 'Such as spiffe://shop.example/web.' },
    { name: 'ttl', value: 'DURATION', help: 'From 10s to 24h; 1h by default.' },
    { name: 'dns', value: 'NAME', repeat: true, help: 'Host name for clients that verify one, such as localhost.' },
    { name: 'out', value: 'DIR', help: 'Folder for svid.pem, svid.key and bundle.pem.' },
    { name: 'pkcs12', value: 'FILE', help: 'Also write key and chain as PKCS#12.' },
    { name: 'pkcs12-password-file', value: 'FILE', help: 'File (mode 0600) whose first line is its password.' },
    PASSPHRASE,
    JSON_OPTION,
  ],
  exitCodes,
  run: async (args, io) => {
    const request = {
      spiffeId: parseSpiffeId(requiredValue(args, 'id')),
      lifetimeMs: durationOf(valueOf(args, 'ttl') ?? '1h'),
      dnsNames: args.values.get('dns') ?? [],
    };
    if (valueOf(args, 'out') === undefined && valueOf(args, 'pkcs12') === undefined) {
      throw new UsageError('say where the key shall go: --out, --pkcs12 or both');
    }
    const password = valueOf(args, 'pkcs12') && (await pkcs12PasswordOf(args, io));
    return withCa(args, io, async (ca) => {
      const svid = await ca.issue(request);
      const files = await deliver(svid, ca, password, args, io);
      const { spiffeId, serial } = svid;
      const expires = new Date(svid.notAfterMs).toISOString();
      if (args.switches.has('json')) io.out(`${JSON.stringify({ spiffeId, serial, expires, files })}\n`);
      else
        io.out(
          `issued   ${spiffeId}\nserial   ${serial}\nexpires  ${expires}\nwritten  ${files.join('\n         ')}\n`,
        );
      return 0;
    });
  },
};

const showCommand: Command = {
  path: ['ca', 'show'],
  summary: 'Show the CA and what it has issued',
  options: [STATE, PASSPHRASE, JSON_OPTION],
  exitCodes,
  run: (args, io) => withCa(args, io, async (ca) => show(ca, args, io)),
};

const bundle: Command = {
  path: ['ca', 'bundle'],
  summary: 'Print the root certificate that peers have to trust',
  options: [STATE, PASSPHRASE, { name: 'out', value: 'FILE', help: 'Write there instead.' }],
  exitCodes,
  run: (args, io) =>
    withCa(args, io, (ca) =>
      print(
        ca
          .trustBundle()
          .flatMap(({ rootsPem }) => rootsPem)
          .join(''),
        args,
        io,
      ),
    ),
};

const crl: Command = {
  path: ['ca', 'crl'],
  summary: 'Print the revocation list of the issuing CA',
  options: [STATE, PASSPHRASE, { name: 'out', value: 'FILE', help: 'Write there instead.' }],
  exitCodes,
  run: (args, io) => withCa(args, io, async (ca) => print(await readFile(ca.describe().crlFile, 'utf8'), args, io)),
};

const revoke: Command = {
  path: ['ca', 'revoke'],
  summary: 'Revoke a certificate by its serial number',
  options: [
    STATE,
    { name: 'serial', value: 'HEX', required: true, help: 'As `ca show` prints it.' },
    PASSPHRASE,
    JSON_OPTION,
  ],
  exitCodes,
  run: (args, io) =>
    withCa(args, io, async (ca) => {
      const serial = requiredValue(args, 'serial');
      await ca.revoke(serial);
      const { crlFile } = ca.describe();
      io.out(
        args.switches.has('json')
          ? `${JSON.stringify({ serial, crlFile })}\n`
          : `revoked  ${serial}\ncrl      ${crlFile}\n`,
      );
      return 0;
    }),
};

const importPkcs12: Command = {
  path: ['ca', 'import-pkcs12'],
  summary: 'Turn a PKCS#12 file into svid.pem and svid.key',
  options: [
    { name: 'pkcs12', value: 'FILE', required: true, help: 'The file to read.' },
    { name: 'pkcs12-password-file', value: 'FILE', required: true, help: 'File (mode 0600) with its password.' },
    { name: 'out', value: 'DIR', required: true, help: 'Folder for svid.pem and svid.key.' },
  ],
  exitCodes,
  run: async (args, io) => {
    const file = fileOf(args, io, 'pkcs12');
    const content = await readFile(file).catch((cause: unknown) => {
      throw new CertsError('pkcs12-unreadable', `cannot read ${file}: ${systemErrorText(cause)}`, { cause });
    });
    const { keyPem, chainPem } = (await pkcs12()).readPkcs12(content, await pkcs12PasswordOf(args, io));
    const folder = fileOf(args, io, 'out');
    await outputFolder(folder);
    await writeOutput(path.join(folder, 'svid.key'), keyPem);
    await writeOutput(path.join(folder, 'svid.pem'), chainPem, 0o644);
    io.out(`written  ${path.join(folder, 'svid.pem')}\n         ${path.join(folder, 'svid.key')}\n`);
    return 0;
  },
};

export const caCommands: readonly Command[] = [init, issue, showCommand, bundle, crl, revoke, importPkcs12];

async function withCa(args: Arguments, io: Io, use: (ca: LocalCa) => Promise<number>): Promise<number> {
  const stateFolder = fileOf(args, io, 'state');
  const ca = await openExistingCa({ stateFolder, ...(await passphraseOf(args, io)), now: io.now });
  return closing(ca, () => use(ca));
}

async function closing(ca: LocalCa, use: () => number | Promise<number>): Promise<number> {
  try {
    return await use();
  } finally {
    ca.close();
  }
}

async function show(ca: LocalCa, args: Arguments, io: Io): Promise<number> {
  const description = ca.describe();
  const issued = await ca.issued();
  io.out(
    args.switches.has('json')
      ? `${JSON.stringify({ ...description, issued })}\n`
      : descriptionText(description, issued, io.now()),
  );
  return 0;
}

async function print(text: string, args: Arguments, io: Io): Promise<number> {
  if (valueOf(args, 'out') === undefined) io.out(text);
  else await writeOutput(fileOf(args, io, 'out'), text, 0o644);
  return 0;
}

async function deliver(
  svid: SvidMaterial,
  ca: LocalCa,
  password: string | undefined,
  args: Arguments,
  io: Io,
): Promise<string[]> {
  const files: string[] = [];
  if (valueOf(args, 'out') !== undefined) {
    const folder = fileOf(args, io, 'out');
    await writeSvid(folder, svid, ca.trustBundle());
    files.push(...['svid.pem', 'svid.key', 'bundle.pem'].map((name) => path.join(folder, name)));
  }
  if (password !== undefined) {
    const file = fileOf(args, io, 'pkcs12');
    await writeOutput(file, (await pkcs12()).writePkcs12(svid, password));
    files.push(file);
  }
  return files;
}

/** Loaded on demand: `run` lives in the same program and shall not carry node-forge. */
function pkcs12() {
  return import('../../certs/pkcs12.ts');
}

async function passphraseOf(args: Arguments, io: Io): Promise<{ readonly passphrase?: string }> {
  if (valueOf(args, 'passphrase-file') === undefined) return {};
  return { passphrase: await readPassphrase(fileOf(args, io, 'passphrase-file')) };
}

function pkcs12PasswordOf(args: Arguments, io: Io): Promise<string> {
  return readPassphrase(fileOf(args, io, 'pkcs12-password-file'));
}

function fileOf(args: Arguments, io: Io, option: string): string {
  return path.resolve(io.cwd, requiredValue(args, option));
}

function curveOf(args: Arguments): 'P-256' | 'P-384' {
  const curve = valueOf(args, 'key') ?? 'P-256';
  if (curve !== 'P-256' && curve !== 'P-384') throw new UsageError(`--key is P-256 or P-384, not '${curve}'`);
  return curve;
}

function durationOf(text: string): number {
  const [, digits, unit] = /^([0-9]{1,6})(s|m|h)$/.exec(text) ?? [];
  if (unit !== 's' && unit !== 'm' && unit !== 'h') throw new UsageError(`--ttl is such as 30m or 1h, not '${text}'`);
  return Number(digits) * DURATION_UNITS[unit];
}

import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { parseSpiffeId } from '../../certs/spiffe-id.ts';
import { exchange, requestText } from '../harness/client.ts';
import { clientId, expectNoStart, newFolder, openCa, startProxy, trustDomain } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

type Broken = {
  readonly what: string;
  readonly code: string;
  /** What the message names, so that the operator knows where to look. */
  readonly names: RegExp;
  readonly remedy: RegExp;
  readonly passphrase?: string;
  /** How far the clock of the CA's creator stood from ours. */
  readonly createdMs?: number;
  readonly spoil?: (folder: string) => void;
  readonly identity?: Readonly<Record<string, string>>;
};

const yearMs = 365 * 86_400_000;
const passphraseFile =
  (content: string, mode = 0o600) =>
  (folder: string) => {
    writeFileSync(join(folder, 'passphrase'), content, { mode });
    chmodSync(join(folder, 'passphrase'), mode);
  };

const cases: readonly Broken[] = [
  {
    what: 'a state folder that others can open',
    code: 'config-invalid',
    names: /identity\.state: others can reach \S+\/state \(mode 0755\)/,
    remedy: /chmod 0700 \S+\/state/,
    spoil: (folder) => chmodSync(join(folder, 'state'), 0o755),
  },
  {
    what: 'a folder of the CA that others can open',
    code: 'state-folder-exposed',
    names: /\/state\/ca has mode 0750, must be 0700/,
    remedy: /chmod 0700/,
    spoil: (folder) => chmodSync(join(folder, 'state', 'ca'), 0o750),
  },
  {
    what: 'a key that others can read',
    code: 'key-file-exposed',
    names: /intermediate\.key has mode 0640, must be 0600/,
    remedy: /chmod 0600/,
    spoil: (folder) => chmodSync(join(folder, 'state', 'ca', 'intermediate.key'), 0o640),
  },
  {
    what: 'a root key that others can read',
    code: 'key-file-exposed',
    names: /root\.key has mode 0604, must be 0600/,
    remedy: /chmod 0600/,
    spoil: (folder) => chmodSync(join(folder, 'state', 'ca', 'root.key'), 0o604),
  },
  {
    what: 'the CA of another trust domain',
    code: 'ca-trust-domain-mismatch',
    names: /holds the CA of test\.example, not of other\.example/,
    remedy: /state folder/,
    identity: { trust_domain: 'other.example', spiffe_id: 'spiffe://other.example/proxy' },
  },
  {
    what: 'a CA without its key',
    code: 'state-incomplete',
    names: /intermediate\.key/,
    remedy: /backup/,
    spoil: (folder) => rmSync(join(folder, 'state', 'ca', 'intermediate.key')),
  },
  {
    what: 'a CA that is gone while its register is not',
    code: 'state-incomplete',
    names: /\/state\/ca is gone/,
    remedy: /backup/,
    spoil: (folder) => rmSync(join(folder, 'state', 'ca'), { recursive: true }),
  },
  {
    what: 'a damaged certificate of the CA',
    code: 'state-incomplete',
    names: /intermediate\.pem in \S+ is damaged/,
    remedy: /backup/,
    spoil: (folder) => writeFileSync(join(folder, 'state', 'ca', 'intermediate.pem'), 'not PEM'),
  },
  {
    what: 'encrypted keys and no passphrase',
    code: 'passphrase-missing',
    names: /intermediate\.key is encrypted/,
    remedy: /passphrase_file/,
    passphrase: 'correct horse',
  },
  {
    what: 'the wrong passphrase',
    code: 'passphrase-wrong',
    names: /intermediate\.key does not open/,
    remedy: /passphrase file/,
    passphrase: 'correct horse',
    spoil: passphraseFile('battery staple\n'),
    identity: { passphrase_file: './passphrase' },
  },
  {
    what: 'a passphrase for keys that are not encrypted',
    code: 'passphrase-unexpected',
    names: /intermediate\.key is not encrypted/,
    remedy: /without|leave/i,
    spoil: passphraseFile('correct horse\n'),
    identity: { passphrase_file: './passphrase' },
  },
  {
    what: 'a passphrase file that others can read',
    code: 'config-invalid',
    names: /identity\.passphrase_file: others can reach \S+\/passphrase \(mode 0644\)/,
    remedy: /chmod 0600/,
    passphrase: 'correct horse',
    spoil: passphraseFile('correct horse\n', 0o644),
    identity: { passphrase_file: './passphrase' },
  },
  {
    what: 'a clock before the CA',
    code: 'ca-not-yet-valid',
    names: /begins \d{4}-\S+Z; it is \d{4}-\S+Z/,
    remedy: /clock/,
    createdMs: 86_400_000,
  },
  { what: 'an expired CA', code: 'ca-expired', names: /expired \d{4}-\S+Z/, remedy: /clock/, createdMs: -11 * yearMs },
];

/** A CA as of a proxy that has run: its register knows of a certificate. */
async function createCa(folder: string, { passphrase, createdMs = 0 }: Pick<Broken, 'passphrase' | 'createdMs'>) {
  const ca = await openCa(folder, () => Date.now() + createdMs, passphrase);
  await ca.issue({ spiffeId: parseSpiffeId(clientId), lifetimeMs: 3_600_000 });
  ca.close();
}

const own = { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy` };

for (const broken of cases) {
  void test(broken.what, async (t) => {
    const folder = newFolder(t);
    await createCa(folder, broken);
    broken.spoil?.(folder);
    const config = { identity: { ...own, ...broken.identity } };
    const { code, stderr } = await expectNoStart(t, { workloadPort: 1, folder, config });
    t.equal(code, 3, stderr);
    t.match(stderr, new RegExp(`^error\\[${broken.code}\\]: `));
    t.match(stderr, broken.names);
    t.match(stderr, broken.remedy);
    t.notMatch(stderr, /\n\s+at |node:internal|PRIVATE KEY|horse|staple/, 'no stack trace, no secret');
  });
}

void test('the positive twin: encrypted keys, the right passphrase, all modes as they must be', async (t: Test) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const folder = newFolder(t);
  const passphrase = 'correct horse';
  await createCa(folder, { passphrase });
  passphraseFile('correct horse\n')(folder);
  const config = { identity: { ...own, passphrase_file: './passphrase' } };
  const proxy = await startProxy(t, { workloadPort: workload.port, folder, config, passphrase });
  const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', '/good'));
  t.equal(answer?.status, 200);
  client.close();
});

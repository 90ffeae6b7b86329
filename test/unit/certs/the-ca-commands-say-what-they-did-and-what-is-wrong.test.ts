import { execFileSync } from 'node:child_process';
import { chmod, lstat, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { parseCertificatesPem } from '../../../certs/parse-certificate.ts';
import { caCommands } from '../../../proxy/cli/ca.ts';
import { runCli } from '../../../proxy/cli/commands.ts';

/** Runs `portcullis ca ...` in a folder of its own. */
function terminal(t: Test) {
  const cwd = t.testdir();
  const ca = async (...words: string[]) => {
    let out = '';
    let err = '';
    const io = {
      out: (text: string) => void (out += text),
      err: (text: string) => void (err += text),
      env: {},
      cwd,
      now: Date.now,
      color: false,
      onSignal: () => () => undefined,
    };
    const code = await runCli(caCommands, ['ca', ...words], io, '0');
    return { code, out, err };
  };
  const secret = async (name: string, text: string) => {
    await writeFile(join(cwd, name), text);
    await chmod(join(cwd, name), 0o600);
  };
  return { cwd, ca, secret };
}

const td = ['--state', 'state', '--trust-domain', 'shop.example'];
const state = ['--state', 'state'];

test('init, issue, show, revoke and crl belong together', async (t) => {
  const { cwd, ca } = terminal(t);
  t.match(await ca('init', ...td), { code: 0, out: /trust domain +shop\.example\n[^]*nothing issued/ });
  const issue = ['issue', ...state, '--id', 'spiffe://shop.example/web', '--ttl', '30m', '--out', 'web', '--json'];
  const issued = JSON.parse((await ca(...issue)).out);
  t.match(issued, { spiffeId: 'spiffe://shop.example/web', files: [/svid\.pem$/, /svid\.key$/, /bundle\.pem$/] });
  t.equal((await stat(join(cwd, 'web/svid.key'))).mode & 0o777, 0o600);
  const [leaf] = parseCertificatesPem(await readFile(join(cwd, 'web/svid.pem'), 'utf8'));
  t.equal(leaf?.serial, issued.serial);
  t.match((await ca('show', ...state)).out, new RegExp(`${issued.serial}  good +.*spiffe://shop.example/web`));
  t.match(await ca('revoke', ...state, '--serial', issued.serial.toLowerCase()), { code: 0, out: /^revoked/ });
  t.match(JSON.parse((await ca('show', ...state, '--json')).out).issued[0], { revokedAtMs: Number });
  t.match((await ca('crl', ...state)).out, /^-----BEGIN X509 CRL-----/);
  t.equal((await ca('bundle', ...state)).out, await readFile(join(cwd, 'web/bundle.pem'), 'utf8'));
  t.match(await ca('bundle', ...state, '--out', 'b.pem'), { code: 0, out: '' });
});

test('keys travel through PKCS#12 and back', async (t) => {
  const { cwd, ca, secret } = terminal(t);
  await secret('passphrase', 'at rest\n');
  await secret('password', 'in transit\n');
  const passphrase = ['--passphrase-file', 'passphrase'];
  const password = ['--pkcs12-password-file', 'password'];
  await ca('init', ...td, '--key', 'P-384', ...passphrase);
  const id = ['--id', 'spiffe://shop.example/web'];
  const out = await ca('issue', ...state, ...id, '--out', 'web', '--pkcs12', 'web.p12', ...password, ...passphrase);
  t.equal(out.code, 0, out.err || 'no error');
  t.equal((await stat(join(cwd, 'web.p12'))).mode & 0o777, 0o600);
  t.match(await ca('import-pkcs12', '--pkcs12', 'web.p12', ...password, '--out', 'back'), { code: 0 });
  for (const name of ['svid.pem', 'svid.key']) {
    t.equal(await readFile(join(cwd, 'back', name), 'utf8'), await readFile(join(cwd, 'web', name), 'utf8'));
  }
  t.match(await ca('import-pkcs12', '--pkcs12', 'web.p12', '--pkcs12-password-file', 'passphrase', '--out', 'x'), {
    code: 3,
    err: /^error\[pkcs12-invalid\]/,
  });
});

test('an output that cannot be written is said in words, and a device stays what it is', async (t) => {
  const { cwd, ca, secret } = terminal(t);
  await ca('init', ...td);
  await secret('password', 'in transit\n');
  execFileSync('mkfifo', [join(cwd, 'pipe')]);
  await symlink('pipe', join(cwd, 'link'));
  for (const out of ['.', 'pipe', 'link']) {
    const { code, err } = await ca('crl', ...state, '--out', out);
    t.equal(code, 3, out);
    t.match(
      err,
      /^error\[output-unwritable\]: cannot write \S+: it is there, and is not a regular file\n {2}Name a file/,
    );
  }
  t.ok((await lstat(join(cwd, 'pipe'))).isFIFO());
  await symlink('real.pem', join(cwd, 'other'));
  await writeFile(join(cwd, 'real.pem'), '');
  t.match(await ca('crl', ...state, '--out', 'other'), { code: 0 });
  t.match(await readFile(join(cwd, 'real.pem'), 'utf8'), 'X509 CRL', 'a link is followed');
  t.match(await ca('bundle', ...state, '--out', 'none/b.pem'), {
    err: /none\/b\.pem: no such file or directory\n {2}Name/,
  });
  const issue = ['issue', ...state, '--id', 'spiffe://shop.example/a', '--out', 'password'];
  t.match(await ca(...issue), { code: 3, err: /^error\[output-unwritable\]: \S+password: file already exists\n/ });
  const take = ['import-pkcs12', '--pkcs12', 'none.p12', '--pkcs12-password-file', 'password', '--out', 'o'];
  t.match(await ca(...take), { code: 3, err: /^error\[pkcs12-unreadable\]: .*none\.p12: no such file or directory\n/ });
});

test('mistakes have a code, a remedy and exit code 2 or 3', async (t) => {
  const { ca } = terminal(t);
  t.match(await ca('show', ...state), { code: 3, err: /^error\[ca-missing\]: .*\n {2}Run `portcullis ca init/ });
  await ca('init', ...td);
  t.match(await ca('init', ...td), { code: 3, err: /^error\[ca-exists\]/ });
  t.match(await ca('init', '--state', 's', '--trust-domain', 'Shop'), {
    code: 3,
    err: /^error\[trust-domain-invalid\]/,
  });
  t.match(await ca('init', ...td, '--key', 'RSA'), { code: 2, err: /^error\[usage\]/ });
  const issue = (...words: string[]) => ca('issue', ...state, ...words);
  const id = ['--id', 'spiffe://shop.example/a'];
  t.match(await issue(...id), { code: 2, err: /--out/ });
  t.match(await issue(...id, '--ttl', '1', '--out', 'o'), { code: 2, err: /--ttl/ });
  t.match(await issue(...id, '--ttl', '25h', '--out', 'o'), { code: 3, err: /^error\[lifetime-invalid\]/ });
  t.match(await issue('--id', 'spiffe://shop.example/a/', '--out', 'o'), {
    code: 3,
    err: /^error\[spiffe-id-invalid\]/,
  });
  t.match(await issue('--id', 'spiffe://x/a', '--out', 'o'), { code: 3, err: /^error\[trust-domain-foreign\]/ });
  t.match(await issue(...id, '--pkcs12', 'f'), { code: 2, err: /--pkcs12-password-file is required/ });
  t.match(await ca('revoke', ...state, '--serial', '1'), { code: 3, err: /^error\[serial-unknown\]/ });
});

import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

const nobody = 65_534;
const program = fileURLToPath(new URL('../../pki/read-passphrase.ts', import.meta.url));
const readAsNobody = (...words: string[]) =>
  execFileSync(process.execPath, [program, ...words], { uid: nobody, gid: nobody, encoding: 'utf8', stdio: 'pipe' });

/** Only root can run a process as another user, who must also be able to reach this folder. */
function cannotBeNobody(): string | false {
  try {
    readAsNobody();
    return false;
  } catch (cause) {
    return `cannot run as another user: ${(cause as Error).message.split('\n', 1)[0]}`;
  }
}

void test('a secret of root, as Kubernetes mounts it for a group', { skip: cannotBeNobody() }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pc-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const file = join(folder, 'passphrase');
  const readWith = (mode: number, owner: number) => {
    writeFileSync(file, 'correct horse\n');
    chownSync(file, owner, nobody);
    chmodSync(file, mode);
    return readAsNobody(file);
  };
  t.equal(readWith(0o440, 0), 'correct horse');
  t.equal(readWith(0o640, 0), 'correct horse');
  t.equal(readWith(0o600, nobody), 'correct horse');
  t.equal(readWith(0o660, 0), 'key-file-exposed', 'the group can write');
  t.equal(readWith(0o444, 0), 'key-file-exposed', 'everybody can read');
  t.equal(readWith(0o640, nobody), 'key-file-exposed', 'an owner needs no group');
  t.equal(readWith(0o440, 1), 'key-file-exposed', 'neither ours nor root its owner');
  t.end();
});

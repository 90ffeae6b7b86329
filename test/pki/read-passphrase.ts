// Run as its own process, under another user: prints the passphrase of a file, or the code of why not.
import { CertsError } from '../../certs/errors.ts';
import { readPassphrase } from '../../certs/local-ca/secret-files.ts';

try {
  process.stdout.write(await readPassphrase(process.argv[2] ?? ''));
} catch (error) {
  process.stdout.write(error instanceof CertsError ? error.code : String(error));
}

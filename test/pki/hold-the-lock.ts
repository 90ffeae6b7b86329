// Run as its own process: takes the lock of a register, says so, and keeps it until it is killed.
import { openRegister } from '../../certs/local-ca/register.ts';

const register = await openRegister(process.argv[2] ?? '');
await register.exclusively(async () => {
  process.stdout.write('locked\n');
  await new Promise(() => setInterval(() => undefined, 60_000));
});

import { test } from 'tap';
import { compareEngines } from '../../conformance/differential.ts';

// `npm run differential` asks about 100,000.
test('both engines give the same answer to every generated input', async (t) => {
  const { compared, allowed, differences } = await compareEngines(4000, 7);
  t.equal(compared, 4000);
  t.ok(allowed > 100, 'not all of them are refused');
  t.strictSame(differences, []);
});

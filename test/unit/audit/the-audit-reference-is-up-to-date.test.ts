import fs from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import { auditReference } from '../../../proxy/audit/reference.ts';

test('docs/audit.md is what the definitions say', async (t) => {
  const file = path.join(import.meta.dirname, '../../../docs/audit.md');
  t.equal(fs.readFileSync(file, 'utf8'), auditReference());
});

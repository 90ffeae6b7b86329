import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { CasesMissing, casesFolder, readCases } from '../../conformance/cases.ts';
import { compileCases } from '../../conformance/compiled.ts';
import { pageFile } from '../../conformance/page.ts';
import { summaryOf } from '../../conformance/summary.ts';
import { judge } from '../../conformance/verdict.ts';

/** A fixed part that covers the language more than the built-ins; `npm run conformance` runs all of them. */
const directories = [
  'comprehensions',
  'elsekeyword',
  'inputvalues',
  'jsonpatch',
  'negation',
  'partialobjectdoc',
  'semvercompare',
  'sprintf',
];

test("a fixed part of OPA's own cases: both engines give what OPA gives", async (t) => {
  const folder = folderOrReason();
  if (folder instanceof CasesMissing) {
    t.plan(0, folder.message);
    return;
  }
  const cases = directories.map((directory) => readCases(folder, 'v1', directory));
  const compiled = await compileCases(cases, () => undefined);
  const verdicts = cases.flatMap((group, index) =>
    group.map((one, at) => judge(one, compiled[index]?.[at], ['wasm', 'plan'])),
  );
  t.ok(verdicts.length > 100, `${verdicts.length} cases`);
  const page = readFileSync(pageFile, 'utf8');
  for (const { name, cases: count, passed, refused } of summaryOf(verdicts, ['wasm', 'plan']).directories) {
    const wanted = new RegExp(
      `^\\| ${name} \\| ${count} \\| \\d+ \\| ${passed.join(' \\| ')} \\| ${refused} \\|$`,
      'm',
    );
    t.match(page, wanted, `docs/conformance.md says of ${name} what is so`);
  }
  for (const { case: one, objections, difference } of verdicts) {
    for (const [engine, objection] of objections) t.equal(objection, undefined, `${one.note}: ${engine}`);
    t.equal(difference, undefined, one.note);
  }
});

/** They are never copied into this repository: whoever has no Go has no cases. */
function folderOrReason(): string | CasesMissing {
  try {
    return casesFolder({ download: false });
  } catch (thrown) {
    if (thrown instanceof CasesMissing) return thrown;
    throw thrown;
  }
}

import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { pageFile } from '../../fuzz/page.ts';
import { askPeers } from '../../fuzz/peers/all.ts';
import { nginxVersion } from '../../fuzz/peers/nginx.ts';
import { peerDifferences } from '../../fuzz/peers/peer-rules.ts';
import { requestDifferences, requestRefusals } from '../../fuzz/request-rules.ts';
import { responseRefusals } from '../../fuzz/response-rules.ts';

const withoutNginx =
  nginxVersion() === undefined ? { skip: 'nginx is not installed: apt-get install nginx-light' } : {};

/** A second opinion over a socket: what we accept they take for the same message, but for what docs/http1.md lists. */
void test('every vector, to undici, and to nginx where there is one', async (t) => {
  t.setTimeout(120_000);
  const { tallies, findings } = await askPeers(t);
  t.same(
    findings.map(({ subject, what }) => `${subject}: ${what}`),
    [],
  );
  for (const [name, { executions, bothAccept }] of tallies) {
    t.ok(executions > 100 && bothAccept > 20, `${name}: ${bothAccept} of ${executions} accepted by both`);
  }
  t.ok(tallies.has('responses, undici'));
  await t.test('nginx too', withoutNginx, async (nginx) => {
    nginx.ok(tallies.has('requests, nginx') && tallies.has('responses, nginx'));
  });
});

void test('docs/http1.md has each rule with its reason', (t) => {
  const page = readFileSync(pageFile, 'utf8');
  for (const { name, why } of [...requestRefusals, ...responseRefusals, ...requestDifferences, ...peerDifferences]) {
    t.ok(page.includes(`| ${name} | ${why.replaceAll('|', '\\|')} |`), name);
  }
  t.end();
});

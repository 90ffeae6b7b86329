import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { judgeRequest } from '../../fuzz/request-subject.ts';
import { bytesOf, loadVectors, type Vector } from '../../harness/http1-vectors.ts';

/** THREATS 1.1 and 1.2, by year and number: what made others read one message in two ways, or take a path or a name for another. */
const advisories: Readonly<Record<string, readonly number[]>> = {
  'CVE-2019': [15605, 18277],
  'CVE-2020': [8287],
  'CVE-2021': [21322, 29492, 32779, 33197, 40346],
  'CVE-2022': [32213, 32214, 32215, 35256],
  'CVE-2023': [25725, 30589, 40225, 45539],
  'CVE-2024': [22019, 27982, 45806],
  'CVE-2025': [23167, 58068, 59822, 64763],
  'CVE-2026': [
    1525, 1527, 2332, 16117, 23527, 24033, 29054, 33433, 33870, 54763, 58044, 71324, 71849, 73511, 73548, 73551, 73552,
    73553, 88011, 120213,
  ],
};

/** What a request alone cannot show, and where it is shown. */
const elsewhere = new Map([
  ['CVE-2023-27488', 'e2e/only-a-clear-yes-of-the-policy-lets-a-request-through.test.ts'],
  ['CVE-2025-46821', 'unit/normalise/a-path-has-one-route-whatever-the-order-of-the-configuration.test.ts'],
  ['CVE-2025-55702', 'e2e/a-client-that-waits-for-100-is-told-the-verdict.test.ts'],
  ['CVE-2026-6733', 'e2e/a-hostile-answer-is-refused-or-cut-and-never-meets-the-next-request.test.ts'],
  ['CVE-2026-34441', 'e2e/a-hostile-answer-is-refused-or-cut-and-never-meets-the-next-request.test.ts'],
  ['CVE-2026-48931', 'e2e/a-hostile-answer-is-refused-or-cut-and-never-meets-the-next-request.test.ts'],
]);

const next = Buffer.from('GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n');
/** Refused behind the readers and the normaliser, by the route. */
const byTheRoute: ReadonlySet<string> = new Set(['method-not-allowed', 'body-not-allowed', 'unsupported-media-type']);

const vectors = loadVectors().flatMap((group) => group.vectors);

for (const id of Object.entries(advisories).flatMap(([year, numbers]) =>
  numbers.map((number) => `${year}-${number}`),
)) {
  void test(id, (t) => {
    const own = vectors.filter(({ ref }) => ref.split(/[ ,]+/).includes(id));
    t.ok(own.length > 0, 'there are vectors');
    for (const vector of own) t.ok(isAsWanted(vector), vector.name);
    t.end();
  });
}

for (const [id, file] of elsewhere) {
  void test(`${id} is in a test of its own`, (t) => {
    t.ok(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').includes(id));
    t.end();
  });
}

function isAsWanted(vector: Vector): boolean {
  const ours = judgeRequest(Buffer.concat([bytesOf(vector), next]));
  const { expect } = vector;
  if ('code' in expect) return 'refused' in ours ? ours.refused === expect.code : byTheRoute.has(expect.code);
  return 'head' in ours && `${ours.head.method} ${ours.head.target} HTTP/1.1` === expect.forwarded.line;
}

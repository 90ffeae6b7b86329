import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { openNetwork } from '../../../proxy/fetch/network.ts';
import { type Crls, listSources } from '../../../proxy/fetch/revocation-lists.ts';
import { authorityPem } from '../../pki/authority.ts';
import { makePki, type Pki } from '../../pki/pki.ts';

const nowMs = Math.floor(Date.now() / 1000) * 1000;
const minute = 60_000;

void test('of two CAs with one name, and of one that serves an old list beside its new one', async (t) => {
  const options = { trustDomain: 'shop.example', nowMs };
  const [one, other] = [await makePki(options), await makePki(options)];
  t.equal(one.intermediate.certificate.subjectName, other.intermediate.certificate.subjectName);
  const list = (pki: Pki, ageMs: number, serials: readonly string[] = [], endsInMs = 60 * minute) =>
    pki.crl(serials, { thisUpdateMs: nowMs - ageMs, nextUpdateMs: nowMs + endsInMs });

  const issuerFile = join(t.testdir(), 'issuers.pem');
  writeFileSync(issuerFile, authorityPem(one.intermediate) + authorityPem(other.intermediate));
  let answer = '';
  const server = createServer((_, response) => response.end(answer));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/both.crl`;
  const network = await openNetwork({ allow: ['127.0.0.1'], caFile: undefined });
  const crls = [{ kind: 'url' as const, url, refreshMs: minute, issuerFile }];
  const [source] = await listSources({ crls }, network, () => nowMs);
  const fetched = async (lists: readonly string[], before?: Crls): Promise<Crls> => {
    answer = lists.join('');
    return (await source?.fetch(new AbortController().signal, before)) ?? [];
  };

  const [ofOne, ofOther] = [await list(one, minute), await list(other, 10 * minute)];
  const first = await fetched([ofOne, ofOther]);
  t.equal(first.length, 2);
  t.same(await fetched([ofOne, ofOther], first), first, 'the same again');
  const newer = await list(other, 5 * minute, ['0abc']);
  const second = await fetched([ofOne, newer], first);
  t.equal(second.length, 2, 'a successor that is still older than the list of the namesake');
  await t.rejects(fetched([ofOne, ofOther], second), {
    code: 'fetch-refused',
    message: /is older than the one there is$/,
  });

  t.equal((await fetched([ofOne, newer, ofOther], second)).length, 3, 'an old one beside its successor');
  const ended = await list(other, 20 * minute, [], -minute);
  t.same(await fetched([ended, ofOne, newer], second), second, 'which is nothing any more when it has ended');
  await t.rejects(fetched([ofOne, ended], undefined), { code: 'fetch-refused', message: /has ended$/ });
  await t.rejects(fetched([ofOne, await list(other, -minute)], second), { message: /a list begins / });
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'tap';
import { buildPolicy } from '../../../policy/compiler/compile.ts';

const rego = `package shop.orders

allow if helper(input.x)

helper(x) if x == data.shop.limit

names contains name if some name in input.names

decision if {
\tallow
\tnames
}
`;

test('one document cannot be both', async (t) => {
  const dir = t.testdir({ 'a.rego': rego, 'data.json': '' });
  const build = async (data: object) => {
    await writeFile(join(dir, 'data.json'), JSON.stringify(data));
    const [regoPaths, dataFile] = [[join(dir, 'a.rego')], join(dir, 'data.json')];
    return buildPolicy({ regoPaths, dataFile, entrypoint: 'shop/orders/decision', cacheFolder: join(dir, 'cache') });
  };
  const rules = { allow: 3, helper: 5, names: 7, decision: 9 };
  const places = Object.entries(rules).map(([name, line]) => {
    const rule = `${join(dir, 'a.rego')}:${line}:1: the rule data.shop.orders.${name}`;
    return { name, says: (where: string) => `${rule} lies where ${join(dir, 'data.json')} has data at data.${where}` };
  });
  for (const { name, says } of places) {
    const message = says(`shop.orders.${name}`);
    await t.rejects(build({ shop: { orders: { [name]: { deep: true } } } }), { code: 'data-conflict', message });
  }
  const sorted = places.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const above of [5, null, ['allow']]) {
    const message = sorted.map(({ says }) => says('shop.orders')).join('\n');
    await t.rejects(build({ shop: { orders: above } }), { code: 'data-conflict', message });
  }
  await build({ shop: { limit: 1, orders: { other: true } }, orders: { allow: true } });
});

test('nor where a path begins that is not constant, and there alone', async (t) => {
  const text = 'package shop\n\ntree.leaves[x].y := 1 if some x in input.names\n\ndecision := tree\n';
  const dir = t.testdir({ 'a.rego': text, 'data.json': '' });
  const build = async (data: object) => {
    await writeFile(join(dir, 'data.json'), JSON.stringify(data));
    const [regoPaths, dataFile] = [[join(dir, 'a.rego')], join(dir, 'data.json')];
    return buildPolicy({ regoPaths, dataFile, entrypoint: 'shop/decision', cacheFolder: join(dir, 'cache') });
  };
  const message =
    /a\.rego:3:1: the rule data\.shop\.tree\.leaves lies where .*data\.json has data at data\.shop\.tree\.leaves$/;
  await t.rejects(build({ shop: { tree: { leaves: {} } } }), { code: 'data-conflict', message });
  await build({ shop: { tree: { other: 1 } } });
});

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
  for (const name of ['allow', 'helper', 'names', 'decision']) {
    const message = `data.shop.orders.${name} is a rule of the policy, and the data has a value there too`;
    await t.rejects(build({ shop: { orders: { [name]: { deep: true } } } }), { code: 'data-conflict', message });
  }
  await build({ shop: { limit: 1, orders: { other: true } }, orders: { allow: true } });
  await build({ shop: { orders: ['allow'] } });
});

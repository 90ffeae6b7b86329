// Run as its own process: issues `count` SVIDs from the CA of a state folder and prints their serials.
import { openLocalCa } from '../../certs/local-ca/local-ca.ts';
import { parseSpiffeId, parseTrustDomain } from '../../certs/spiffe-id.ts';

const [stateFolder = '', name = '', count = '1'] = process.argv.slice(2);
const ca = await openLocalCa({
  stateFolder,
  trustDomain: parseTrustDomain('shop.example'),
  keyAlgorithm: 'P-256',
  now: Date.now,
});
for (let index = 0; index < Number(count); index++) {
  const spiffeId = parseSpiffeId(`spiffe://shop.example/${name}/${index}`);
  process.stdout.write(`${(await ca.issue({ spiffeId, lifetimeMs: 3_600_000 })).serial}\n`);
}
ca.close();

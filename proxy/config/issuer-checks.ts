import { readStrictJson } from '../../policy/json/strict-json.ts';
import { readJwks } from '../user/read-jwks.ts';
import type { Complain } from './checks.ts';
import { checkRoots } from './crl-checks.ts';
import type { Draft } from './draft.ts';
import { defaultMaxKeyAgeMs, defaultRefreshMs } from './issuer-options.ts';
import type { Settings } from './options.ts';
import type { World } from './world.ts';

type Issuers = Draft<Settings['issuers']>;

export function checkIssuers({ issuers = [], routes = [] }: Draft<Settings>, complain: Complain): void {
  checkUnique(issuers, 'name', complain);
  checkUnique(issuers, 'issuer', complain);
  issuers.forEach((issuer, index) => {
    const { refresh = defaultRefreshMs, max_key_age: age = defaultMaxKeyAgeMs } = issuer ?? {};
    const key = issuer?.max_key_age === undefined ? 'refresh' : 'max_key_age';
    if (age <= refresh)
      complain(['issuers', index, key], '`max_key_age` is not longer than `refresh`: keys would end in between');
  });
  const names = issuers.map((one) => one?.name);
  routes.forEach((route, index) => {
    route?.user?.issuers?.forEach((name, at) => {
      if (name === undefined || names.includes(name)) return;
      const known = names.filter((one) => one !== undefined);
      const message = `\`${name}\` is the name of none of \`issuers\``;
      complain(['routes', index, 'user', 'issuers', at], message, {
        allowed: known.join(', ') || 'none is configured',
      });
    });
  });
}

/** With two issuers of one URL, by whose rules a token is judged would be a guess. */
function checkUnique(issuers: Issuers, key: 'name' | 'issuer', complain: Complain): void {
  const values = issuers.map((one) => one?.[key]);
  values.forEach((value, index) => {
    const first = values.indexOf(value);
    if (value === undefined || first === index) return;
    complain(['issuers', index, key], `\`${value}\` is that of issuers[${first}] already`);
  });
}

/** What neither the file nor the section shows alone: an issuer whose every token would be refused. */
export async function checkKeysFit(issuers: Issuers, world: World, complain: Complain): Promise<void> {
  await Promise.all(
    issuers.map(async (issuer, index) => {
      const { jwks, algorithms } = issuer ?? {};
      if (jwks === undefined || algorithms === undefined || algorithms.length === 0) return;
      if (algorithms.includes(undefined)) return;
      // A file that cannot be read is reported where it is named.
      const bytes = await world.readFile(jwks).catch(() => undefined);
      const reading = bytes === undefined ? undefined : readStrictJson(bytes, { maxDepth: 16 });
      if (reading?.ok !== true) return;
      const { keys, problems } = await readJwks(reading.value);
      if (problems.length > 0 || keys.some((key) => algorithms.includes(key.algorithm))) return;
      const allowed = [...new Set(keys.map((key) => key.algorithm))].join(', ');
      complain(['issuers', index, 'algorithms'], 'no key of `jwks` is for any of these', { allowed });
    }),
  );
}

export async function checkIntrospectionRoots(
  { issuers = [], profile }: Draft<Settings>,
  world: World,
  complain: Complain,
): Promise<void> {
  await Promise.all(
    issuers.map(async (issuer, index) =>
      checkRoots(issuer?.introspection?.ca, profile, world, (message) =>
        complain(['issuers', index, 'introspection', 'ca'], message),
      ),
    ),
  );
}

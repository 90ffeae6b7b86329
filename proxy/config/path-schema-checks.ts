import { isJsonObject, own } from '../../policy/json/json-object.ts';
import { readStrictJson } from '../../policy/json/strict-json.ts';
import type { Complain } from './checks.ts';
import { bytesOf } from './crl-checks.ts';
import type { Draft } from './draft.ts';
import { MAX_JSON_DEPTH, MAX_SCHEMA_BYTES } from './file-checks.ts';
import type { Settings } from './options.ts';
import { parseTemplate } from './route-template.ts';
import { nearest } from './section.ts';
import type { World } from './world.ts';

/**
 * A rule for a parameter that the path does not have would never be asked, so that the one it was written for is not judged.
 * Only what the top of the schema names is seen here; a file that cannot be read is reported where it is named.
 */
export async function checkPathSchemas(
  routes: Draft<Settings['routes']>,
  world: World,
  complain: Complain,
): Promise<void> {
  await Promise.all(
    routes.map(async (route, index) => {
      const { path, path_schema: file } = route ?? {};
      if (path === undefined) return;
      const bytes = await bytesOf(file, world, MAX_SCHEMA_BYTES);
      const reading = bytes === undefined ? undefined : readStrictJson(bytes, { maxDepth: MAX_JSON_DEPTH });
      if (reading?.ok !== true) return;
      const parameters = parseTemplate(path).flatMap((segment) => (segment.kind === 'literal' ? [] : [segment.name]));
      for (const name of namesIn(reading.value)) {
        if (parameters.includes(name)) continue;
        complain(['routes', index, 'path_schema'], `it names \`${name}\`, which is no parameter of \`${path}\``, {
          allowed: parameters.join(', ') || 'no name: the path has no parameters',
          suggestion: nearest(name, parameters),
        });
      }
    }),
  );
}

function namesIn(schema: unknown): ReadonlySet<string> {
  if (!isJsonObject(schema)) return new Set();
  const [properties, required] = [own(schema, 'properties'), own(schema, 'required')];
  const demanded: readonly unknown[] = Array.isArray(required) ? required : [];
  return new Set([
    ...(isJsonObject(properties) ? Object.keys(properties) : []),
    ...demanded.filter((name) => typeof name === 'string'),
  ]);
}

import { routes, section, type Settings } from './settings.ts';

/** A configuration with some of its filters switched off. */
export type Rung = { readonly name: string; readonly about: string; readonly settings: Settings };

/**
 * From a proxy that lets everybody through to the whole configuration, one filter more on each rung. A rung that would add nothing
 * because the configuration does not use the filter is left out.
 */
export function rungsOf(whole: Settings, allowAllFolder: string): readonly Rung[] {
  const switches: readonly Switch[] = [
    // Before the policy, which may ask about a body that only a schema has read.
    { name: 'schemas', off: withoutSchemas },
    { name: 'quotas', off: withoutQuotas },
    { name: 'tokens of users', off: withoutUsers },
    { name: 'its policy', off: (settings) => allowAll(settings, allowAllFolder) },
    { name: 'records that are required', off: bestEffort },
  ];
  const used = switches.filter(({ off }) => JSON.stringify(off(whole)) !== JSON.stringify(whole));
  return [undefined, ...used].map((added, on) => {
    const off = used.slice(on);
    return {
      name: added === undefined ? 'forwarding alone' : `+ ${added.name}`,
      about: off.length === 0 ? 'the whole configuration' : `without ${off.map(({ name }) => name).join(', ')}`,
      settings: off.reduce((settings, each) => each.off(settings), whole),
    };
  });
}

type Switch = { readonly name: string; readonly off: (settings: Settings) => Settings };

/** What stays on, because a proxy without it cannot be configured. */
export const alwaysOn =
  'cannot be switched off: mutual TLS, identity, normalisation, the search for a route, the in-flight limits, a decision (of a policy that allows everything) and its record';

export const allowAllRego = 'package portcullis.authz\n\ndefault decision := true\n';

function allowAll(settings: Settings, folder: string): Settings {
  const { engine, verify_share: share } = section(settings['policy']);
  const kept = { ...(engine === undefined ? {} : { engine }), ...(share === undefined ? {} : { verify_share: share }) };
  return { ...settings, policy: { rego: folder, ...kept } };
}

function withoutSchemas(settings: Settings): Settings {
  const change = (route: Settings) => {
    const { body } = route;
    const kept = without(route, ['query_schema', 'path_schema', 'response', 'max_response']);
    return typeof body === 'object' ? { ...kept, body: 'stream' } : kept;
  };
  return { ...settings, routes: routes(settings, change) };
}

function withoutQuotas(settings: Settings): Settings {
  return { ...settings, routes: routes(settings, (route) => without(route, ['quota'])) };
}

/** Nobody looks at the Authorization header then, and it goes to the workload as it came. */
function withoutUsers(settings: Settings): Settings {
  return { ...settings, routes: routes(settings, (route) => without(route, ['user'])) };
}

function without(route: Settings, names: readonly string[]): Settings {
  return Object.fromEntries(Object.entries(route).filter(([name]) => !names.includes(name)));
}

/** `regulated` would refuse it. */
function bestEffort(settings: Settings): Settings {
  const { mode = 'required', ...audit } = section(settings['audit']);
  if (mode !== 'required') return settings;
  return { ...settings, profile: 'standard', audit: { ...audit, mode: 'best-effort' } };
}

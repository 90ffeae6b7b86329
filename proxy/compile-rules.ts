import { type EngineEvents, openEngine } from '../policy/engines/select.ts';
import type { ParameterValidator, SchemaValidator } from '../policy/schema.ts';
import type { Config, RouteConfig } from './config/config.ts';
import { trustDomainsOf } from './config/federated-routes.ts';
import { parseTemplate } from './config/route-template.ts';
import { createRouter } from './router.ts';
import { sampleInputs } from './sample-input.ts';
import type { Route, Snapshot } from './snapshot.ts';
import type { Rules } from './snapshot-data.ts';

export type CompiledRules = Pick<Snapshot, 'router' | 'engine'>;

/** What takes longest of a snapshot, and can be done before it is known who we are. Throws PolicyError and SchemaError. */
export async function compileRules(rules: Rules, events?: EngineEvents): Promise<CompiledRules> {
  const { config, policy, schemas, policyBad } = rules;
  const routes = await Promise.all(config.routes.map((route) => compileRoute(route, config, schemas)));
  return {
    router: createRouter(routes.map((route) => ({ methods: route.config.methods, template: route.template, route }))),
    engine: await openEngine(policy, config.policy.engine, {
      events,
      samples: policyBad === undefined ? sampleInputs(config) : [],
    }),
  };
}

async function compileRoute(config: RouteConfig, whole: Config, schemas: Rules['schemas']): Promise<Route> {
  const text = (file: string) => schemas.get(file) ?? '';
  const parameters = async (file: string | undefined): Promise<ParameterValidator | undefined> =>
    file === undefined ? undefined : (await schemaCompiler()).compileParameters(text(file), file);
  const bodies = async (
    files: ReadonlyMap<string, string> = new Map(),
  ): Promise<ReadonlyMap<string, SchemaValidator>> => {
    const compiled = [...files].map(async ([contentType, file]) => {
      const { compileSchema } = await schemaCompiler();
      return [contentType, compileSchema(text(file), file)] as const;
    });
    return new Map(await Promise.all(compiled));
  };
  return Object.freeze({
    config,
    template: parseTemplate(config.path),
    trustDomains: trustDomainsOf(whole, config.name),
    query: await parameters(config.querySchema),
    path: await parameters(config.pathSchema),
    body: await bodies(config.body.kind === 'validate' ? config.body.schemas : undefined),
    response: await bodies(config.response?.schemas),
  });
}

/** Loaded for who has schemas: it stays in the memory of each thread. */
const schemaCompiler = () => import('../policy/schema.ts');

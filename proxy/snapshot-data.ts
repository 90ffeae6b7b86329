import { createHash } from 'node:crypto';
import type { DenylistData } from '../certs/denylist.ts';
import { listsKey, type RevocationLists, type TrustBundleData } from '../certs/trust-bundle.ts';
import type { PolicyBundle } from '../policy/bundle/bundle.ts';
import type { Config } from './config/config.ts';
import type { IssuerConfig, JwtBundleConfig } from './config/token-config.ts';
import type { IntrospectionSecrets } from './fetch/introspection.ts';

/** A snapshot as it travels to the data threads: plain data, nothing compiled, one digest over all of it. */
export type SnapshotData = {
  readonly digest: string;
  readonly config: Config;
  readonly policy: PolicyBundle;
  /** Text of every schema file, by its path. */
  readonly schemas: ReadonlyMap<string, string>;
  /** Text of every JWK set that is there, by `jwksKey` and `jwtBundleKey`. */
  readonly jwks: ReadonlyMap<string, string>;
  /** By the name of the issuer that is asked with them. They are random (RFC 6749 section 10.10): the digest gives none away. */
  readonly introspection: ReadonlyMap<string, IntrospectionSecrets>;
  readonly trust: TrustBundleData;
  readonly denylist: DenylistData | undefined;
  readonly lists: readonly RevocationLists[];
  readonly policyBad: string | undefined;
};

/** What of it does not depend on who we are and whom we trust: policy and schemas, and what says how they are asked. */
export type Rules = Pick<SnapshotData, 'config' | 'policy' | 'schemas' | 'policyBad'>;
export type BesidesRules = Omit<SnapshotData, keyof Rules>;

export function besidesRules({ digest, jwks, introspection, trust, denylist, lists }: SnapshotData): BesidesRules {
  return { digest, jwks, introspection, trust, denylist, lists };
}

/** Why a snapshot's policy decides nothing any more. */
export const stoppedAThread = 'this policy revision stopped a data thread';

export function snapshotData(parts: Omit<SnapshotData, 'digest'>): SnapshotData {
  const { config, policy, schemas, jwks, introspection, trust, denylist, lists, policyBad } = parts;
  const digest = createHash('sha256')
    .update(
      stableJson({
        config: { ...config, file: '' },
        policy: [policy.revision, policy.name],
        schemas,
        jwks,
        introspection,
        trust,
        denylist: denylist?.text,
        lists: lists.map(listsKey),
        policyBad,
      }),
    )
    .digest('hex');
  return Object.freeze({ ...parts, digest: `sha256:${digest}` });
}

/** Maps as sorted lists, so that the same content gives the same digest. */
function stableJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    member instanceof Map ? [...member].toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)) : member,
  );
}

/** A path, or the name of an issuer whose keys are fetched: no name begins as a path does. */
export function jwksKey({ name, keys }: IssuerConfig): string {
  return keys.kind === 'file' ? keys.file : name;
}

/** A path, or for what its bundle endpoint or the agent of our identity has given the ID of the trust domain. */
export function jwtBundleKey({ trustDomain, file }: JwtBundleConfig): string {
  return file ?? `spiffe://${trustDomain}`;
}

/** Every schema file a configuration names. */
export function schemaFiles({ routes }: Config): readonly string[] {
  const files = routes.flatMap(({ querySchema, pathSchema, body, response }) => [
    ...(querySchema === undefined ? [] : [querySchema]),
    ...(pathSchema === undefined ? [] : [pathSchema]),
    ...(body.kind === 'validate' ? body.schemas.values() : []),
    ...(response?.schemas.values() ?? []),
  ]);
  return [...new Set(files)];
}

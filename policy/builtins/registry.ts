import { prepareLinearRegex } from '../linear-regex.ts';
import { aggregateBuiltins } from './aggregates.ts';
import { arrayBuiltins } from './arrays.ts';
import type { Builtin, Builtins } from './builtin.ts';
import { comparisonBuiltins } from './comparison.ts';
import { cryptoBuiltins } from './crypto/crypto.ts';
import { encodingBuiltins } from './encoding/encoding.ts';
import { globBuiltins } from './glob/glob.ts';
import { graphBuiltins } from './graph.ts';
import { jsonBuiltins } from './json/json.ts';
import { jsonPatchBuiltins } from './json/patch.ts';
import { jsonPathsBuiltins } from './json/paths.ts';
import { memberBuiltins } from './member.ts';
import { netBuiltins } from './net/net.ts';
import { arithmeticBuiltins } from './numbers/arithmetic.ts';
import { bitsBuiltins } from './numbers/bits.ts';
import { numberBuiltins } from './numbers/numbers.ts';
import { unitBuiltins } from './numbers/units.ts';
import { objectBuiltins } from './objects.ts';
import { regexBuiltins } from './regex/regex.ts';
import { rehearse } from './rehearsal.ts';
import { semverBuiltins } from './semver.ts';
import { setBuiltins } from './sets.ts';
import { sprintfBuiltins } from './sprintf/sprintf.ts';
import { affixBuiltins } from './strings/affixes.ts';
import { letterCaseBuiltins } from './strings/letter-case.ts';
import { replaceBuiltins } from './strings/replace.ts';
import { stringBuiltins } from './strings/strings.ts';
import { templateStringBuiltins } from './strings/template-string.ts';
import { trimBuiltins } from './strings/trim.ts';
import { subsetBuiltins } from './subset.ts';
import { renderTemplateBuiltins } from './template/render.ts';
import { timeBuiltins } from './time/time.ts';
import { typeBuiltins } from './types.ts';
import { uriBuiltins } from './uri/uri.ts';
import { urlqueryBuiltins } from './uri/urlquery.ts';
import { uuidBuiltins } from './uuid.ts';
import { walkBuiltins } from './walk.ts';

/** Namespaces whose code is small and needs no library. */
const light: readonly Builtins[] = [
  affixBuiltins,
  aggregateBuiltins,
  arithmeticBuiltins,
  arrayBuiltins,
  bitsBuiltins,
  comparisonBuiltins,
  cryptoBuiltins,
  encodingBuiltins,
  graphBuiltins,
  jsonBuiltins,
  jsonPatchBuiltins,
  jsonPathsBuiltins,
  letterCaseBuiltins,
  memberBuiltins,
  netBuiltins,
  numberBuiltins,
  objectBuiltins,
  renderTemplateBuiltins,
  replaceBuiltins,
  semverBuiltins,
  setBuiltins,
  sprintfBuiltins,
  stringBuiltins,
  subsetBuiltins,
  templateStringBuiltins,
  timeBuiltins,
  trimBuiltins,
  typeBuiltins,
  unitBuiltins,
  uriBuiltins,
  urlqueryBuiltins,
  uuidBuiltins,
  walkBuiltins,
];

/** A namespace whose libraries cost megabytes: it is loaded with the first policy that names one of its built-ins. */
type Heavy = { readonly names: readonly string[]; readonly load: () => Promise<Builtins> };

const patternBuiltins: Builtins = { ...globBuiltins, ...regexBuiltins };

const heavy: readonly Heavy[] = [
  {
    names: Object.keys(patternBuiltins),
    load: () => {
      prepareLinearRegex();
      return Promise.resolve(patternBuiltins);
    },
  },
  {
    names: ['json.match_schema', 'json.verify_schema'],
    load: async () => (await import('./json/schema.ts')).jsonSchemaBuiltins,
  },
  {
    names: [
      'graphql.is_valid',
      'graphql.parse',
      'graphql.parse_and_verify',
      'graphql.parse_query',
      'graphql.parse_schema',
      'graphql.schema_is_valid',
    ],
    load: async () => (await import('./graphql/graphql.ts')).graphqlBuiltins,
  },
  {
    names: [
      'crypto.parse_private_keys',
      'crypto.x509.parse_and_verify_certificates',
      'crypto.x509.parse_and_verify_certificates_with_options',
      'crypto.x509.parse_certificate_request',
      'crypto.x509.parse_certificates',
      'crypto.x509.parse_keypair',
      'crypto.x509.parse_rsa_private_key',
    ],
    load: async () => (await import('./x509/x509.ts')).x509Builtins,
  },
  {
    names: ['yaml.marshal', 'yaml.unmarshal', 'yaml.is_valid'],
    load: async () => (await import('./yaml/yaml.ts')).yamlBuiltins,
  },
  {
    names: [
      'io.jwt.decode',
      'io.jwt.decode_verify',
      'io.jwt.encode_sign',
      'io.jwt.encode_sign_raw',
      'io.jwt.verify_eddsa',
      'io.jwt.verify_es256',
      'io.jwt.verify_es384',
      'io.jwt.verify_es512',
      'io.jwt.verify_hs256',
      'io.jwt.verify_hs384',
      'io.jwt.verify_hs512',
      'io.jwt.verify_ps256',
      'io.jwt.verify_ps384',
      'io.jwt.verify_ps512',
      'io.jwt.verify_rs256',
      'io.jwt.verify_rs384',
      'io.jwt.verify_rs512',
    ],
    load: async () => (await import('./jwt/jwt.ts')).jwtBuiltins,
  },
  {
    names: ['providers.aws.sign_req'],
    load: async () => (await import('./providers-aws.ts')).awsBuiltins,
  },
];

const loaded = new Map<string, Builtin>(light.flatMap((names) => Object.entries(names)));
const loadable: ReadonlyMap<string, Heavy> = new Map(
  heavy.flatMap((owner) => owner.names.map((name) => [name, owner])),
);

/** Every built-in that a policy may call, by its name in Rego. Both engines take them from here. */
export const builtinNames: ReadonlySet<string> = new Set([...loaded.keys(), ...loadable.keys()]);

/**
 * Makes these built-ins ready, before an engine is opened that calls them. Not by `require`, which would spare the wait: it does
 * not read TypeScript once a loader hook is registered in the process, as coverage and tracing agents do.
 */
export async function loadBuiltins(names: Iterable<string>): Promise<void> {
  const wanted = [...names];
  const owners = new Set(wanted.map((name) => (loaded.has(name) ? undefined : loadable.get(name))));
  for (const owner of owners) {
    for (const [name, builtin] of Object.entries((await owner?.load()) ?? {})) loaded.set(name, builtin);
  }
  for (const name of wanted) rehearse(name, loaded.get(name));
}

/** Undefined for what is no built-in of ours. Throws for one that nobody has loaded. */
export function findBuiltin(name: string): Builtin | undefined {
  const builtin = loaded.get(name);
  if (builtin === undefined && loadable.has(name)) throw new Error(`the built-in ${name} has not been loaded`);
  return builtin;
}

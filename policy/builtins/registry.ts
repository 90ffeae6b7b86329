import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { affixBuiltins } from './affixes.ts';
import { aggregateBuiltins } from './aggregates.ts';
import { arithmeticBuiltins } from './arithmetic.ts';
import { arrayBuiltins } from './arrays.ts';
import { bitsBuiltins } from './bits.ts';
import type { Builtin, Builtins } from './builtin.ts';
import { comparisonBuiltins } from './comparison.ts';
import { cryptoBuiltins } from './crypto.ts';
import type * as CryptoX509 from './crypto-x509.ts';
import { encodingBuiltins } from './encoding.ts';
import { globBuiltins } from './glob.ts';
import { graphBuiltins } from './graph.ts';
import type * as IoJwt from './io-jwt.ts';
import { jsonPatchBuiltins } from './json-patch.ts';
import { jsonPathsBuiltins } from './json-paths.ts';
import { jsonBuiltins } from './json.ts';
import { letterCaseBuiltins } from './letter-case.ts';
import { memberBuiltins } from './member.ts';
import { numberBuiltins } from './numbers.ts';
import { objectBuiltins } from './objects.ts';
import type * as ProvidersAws from './providers-aws.ts';
import { regexBuiltins } from './regex.ts';
import { replaceBuiltins } from './replace.ts';
import { setBuiltins } from './sets.ts';
import { sprintfBuiltins } from './sprintf.ts';
import { stringBuiltins } from './strings.ts';
import { subsetBuiltins } from './subset.ts';
import { templateStringBuiltins } from './template-string.ts';
import { timeBuiltins } from './time.ts';
import { renderTemplateBuiltins } from './render-template.ts';
import { uuidBuiltins } from './uuid.ts';
import { semverBuiltins } from './semver.ts';
import { netBuiltins } from './net.ts';
import { trimBuiltins } from './trim.ts';
import { typeBuiltins } from './types.ts';
import { unitBuiltins } from './units.ts';
import { uriBuiltins } from './uri.ts';
import { urlqueryBuiltins } from './urlquery.ts';
import { walkBuiltins } from './walk.ts';
import type * as Graphql from './graphql.ts';
import type * as JsonSchema from './json-schema.ts';
import type * as Yaml from './yaml.ts';

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
  globBuiltins,
  graphBuiltins,
  jsonBuiltins,
  jsonPatchBuiltins,
  jsonPathsBuiltins,
  letterCaseBuiltins,
  memberBuiltins,
  numberBuiltins,
  objectBuiltins,
  regexBuiltins,
  replaceBuiltins,
  setBuiltins,
  sprintfBuiltins,
  stringBuiltins,
  subsetBuiltins,
  templateStringBuiltins,
  timeBuiltins,
  renderTemplateBuiltins,
  uuidBuiltins,
  semverBuiltins,
  netBuiltins,
  trimBuiltins,
  typeBuiltins,
  unitBuiltins,
  uriBuiltins,
  urlqueryBuiltins,
  walkBuiltins,
];

/** A namespace whose libraries cost megabytes: it is loaded with the first policy that names one of its built-ins. */
type Heavy = {
  readonly names: readonly string[];
  readonly file: URL;
  readonly builtinsOf: (module: unknown) => Builtins;
};

/*
 * To add one: `import type * as Graphql from './graphql.ts'`, and here
 * {
 *   names: ['graphql.parse', ...],
 *   file: new URL('./graphql.ts', import.meta.url),
 *   builtinsOf: (module) => (module as typeof Graphql).graphqlBuiltins,
 * },
 */
const heavy: readonly Heavy[] = [
  {
    names: ['json.match_schema', 'json.verify_schema'],
    file: new URL('./json-schema.ts', import.meta.url),
    builtinsOf: (module) => (module as typeof JsonSchema).jsonSchemaBuiltins,
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
    file: new URL('./graphql.ts', import.meta.url),
    builtinsOf: (module) => (module as typeof Graphql).graphqlBuiltins,
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
    file: new URL('./crypto-x509.ts', import.meta.url),
    builtinsOf: (module) => (module as typeof CryptoX509).x509Builtins,
  },
  {
    names: ['yaml.marshal', 'yaml.unmarshal', 'yaml.is_valid'],
    file: new URL('./yaml.ts', import.meta.url),
    builtinsOf: (module) => (module as typeof Yaml).yamlBuiltins,
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
    file: new URL('./io-jwt.ts', import.meta.url),
    builtinsOf: (module) => (module as typeof IoJwt).jwtBuiltins,
  },
  {
    names: ['providers.aws.sign_req'],
    file: new URL('./providers-aws.ts', import.meta.url),
    builtinsOf: (module) => (module as typeof ProvidersAws).awsBuiltins,
  },
];

const require = createRequire(import.meta.url);
const suffix = import.meta.filename.endsWith('.ts') ? '.ts' : '.js';

/** Synchronous, because an engine is made synchronously. In an image the files are JavaScript. */
function load({ file, builtinsOf }: Heavy): Builtins {
  return builtinsOf(require(fileURLToPath(file).replace(/\.ts$/, suffix)));
}

const loaded: ReadonlyMap<string, Builtin> = new Map(light.flatMap((names) => Object.entries(names)));
const loadable: ReadonlyMap<string, Heavy> = new Map(
  heavy.flatMap((owner) => owner.names.map((name) => [name, owner])),
);

/** Every built-in that a policy may call, by its name in Rego. Both engines take them from here. */
export const builtinNames: ReadonlySet<string> = new Set([...loaded.keys(), ...loadable.keys()]);

/** Loads what the built-in needs: an engine asks when it loads a policy, not during a request. */
export function findBuiltin(name: string): Builtin | undefined {
  const owner = loadable.get(name);
  return owner === undefined ? loaded.get(name) : load(owner)[name];
}

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { aggregateBuiltins } from './aggregates.ts';
import { arrayBuiltins } from './arrays.ts';
import type { Builtin, Builtins } from './builtin.ts';
import { comparisonBuiltins } from './comparison.ts';
import { cryptoBuiltins } from './crypto/crypto.ts';
import { encodingBuiltins } from './encoding/encoding.ts';
import { globBuiltins } from './glob/glob.ts';
import { graphBuiltins } from './graph.ts';
import type * as Graphql from './graphql/graphql.ts';
import { jsonBuiltins } from './json/json.ts';
import { jsonPatchBuiltins } from './json/patch.ts';
import { jsonPathsBuiltins } from './json/paths.ts';
import type * as JsonSchema from './json/schema.ts';
import type * as IoJwt from './jwt/jwt.ts';
import { memberBuiltins } from './member.ts';
import { netBuiltins } from './net/net.ts';
import { arithmeticBuiltins } from './numbers/arithmetic.ts';
import { bitsBuiltins } from './numbers/bits.ts';
import { numberBuiltins } from './numbers/numbers.ts';
import { unitBuiltins } from './numbers/units.ts';
import { objectBuiltins } from './objects.ts';
import type * as ProvidersAws from './providers-aws.ts';
import { regexBuiltins } from './regex/regex.ts';
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
import type * as CryptoX509 from './x509/x509.ts';
import type * as Yaml from './yaml/yaml.ts';

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
  netBuiltins,
  numberBuiltins,
  objectBuiltins,
  regexBuiltins,
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

/**
 * A namespace whose libraries cost megabytes: it is loaded with the first policy that names one of its built-ins. Only its
 * type is imported above, which is erased.
 */
type Heavy = {
  readonly names: readonly string[];
  readonly file: URL;
  readonly builtinsOf: (module: unknown) => Builtins;
};

const heavy: readonly Heavy[] = [
  {
    names: ['json.match_schema', 'json.verify_schema'],
    file: new URL('./json/schema.ts', import.meta.url),
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
    file: new URL('./graphql/graphql.ts', import.meta.url),
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
    file: new URL('./x509/x509.ts', import.meta.url),
    builtinsOf: (module) => (module as typeof CryptoX509).x509Builtins,
  },
  {
    names: ['yaml.marshal', 'yaml.unmarshal', 'yaml.is_valid'],
    file: new URL('./yaml/yaml.ts', import.meta.url),
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
    file: new URL('./jwt/jwt.ts', import.meta.url),
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

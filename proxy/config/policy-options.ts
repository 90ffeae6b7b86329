import { defaultSettings, engineNames } from '../../policy/engines/settings.ts';
import { durationText } from './amounts.ts';
import { listOf } from './collections.ts';
import { boolean, duration, file, integer, oneOf, pattern, share, size } from './scalars.ts';
import { defaulted, exactlyOneOf, optional, section } from './section.ts';

const live = 'live';

const cacheOptions = section(
  'policy.cache',
  'Answers a question that was asked before without asking the policy again. The key is everything of the input that the policy ' +
    'can read, whole and never as a digest. A policy that reads what differs in each request (its id, its time, the ' +
    'connection), or `input` as a whole, never meets the same key twice: then the cache only costs. The metric ' +
    '`portcullis_policy_cache_total` tells.',
  {
    entries: defaulted(integer(1, 1_000_000), 10_000, { doc: 'Decisions kept by each data thread.', reload: live }),
    size: defaulted(size('64KiB', '1GiB'), '16MiB', {
      doc: 'Memory for them in each data thread; the least recently used go first. A key of more than 16 KiB is not kept.',
      reload: live,
    }),
  },
);

/** Which Rego decides, and what runs it. */
export const policyOptions = exactlyOneOf(
  section(
    'policy',
    'Which Rego decides, and how. Default deny: a request that no rule allows is refused. Exactly one of `rego` and `bundle` stands here.',
    {
      rego: optional(listOf(file('rego', 'a Rego file or folder'), { atLeast: 1, unique: true, orOne: true }), {
        doc: 'Rego files, or folders of them; compiled at start and whenever one changes.',
        reload: live,
      }),
      data: optional(file('json', 'a JSON file'), {
        doc: 'With `rego`: JSON object that the policy sees as `data`. A bundle brings its own.',
        reload: live,
      }),
      bundle: optional(file('bundle', 'a bundle, `.tar.gz` or folder'), {
        doc:
          'A bundle of OPA, as `opa build` or `portcullis policy build --out` writes it, or a folder with the same content; loaded anew ' +
          'whenever it changes. One that is signed is refused: signatures cannot be verified yet.',
        reload: live,
      }),
      entrypoint: defaulted(
        pattern('a rule path such as `portcullis/authz/decision`', /^[A-Za-z_]\w*(?:\/[A-Za-z_]\w*)+$/),
        'portcullis/authz/decision',
        { doc: 'The rule that decides: package and rule name, with slashes.', reload: live },
      ),
      strict: optional(boolean, {
        doc:
          "Rego that is compiled here must pass OPA's strict mode too: no unused import or variable, nothing that is deprecated, no name " +
          'that hides `input` or `data`. By default only with `profile: regulated` and `fips`. `portcullis policy check` is always strict.',
        reload: live,
      }),
      engine: defaulted(oneOf(...engineNames), defaultSettings.engine, {
        doc:
          "`plan` runs the policy as JavaScript, within a budget of steps. `wasm` runs it as OPA's own WebAssembly, within `deadline`. " +
          '`verify` decides as `plan` does and has `wasm` decide too: a difference is counted, logged and put on record, and with ' +
          '`profile: regulated` or `fips` the request is refused.',
        reload: live,
      }),
      verify_share: defaulted(share, 1, {
        doc: 'With `engine: verify`: the share of all requests that is compared, chosen by their id.',
        reload: live,
      }),
      strict_builtin_errors: defaulted(boolean, false, {
        doc:
          "A built-in that fails makes the request undecided, instead of its call undefined. With `engine: plan` only: OPA's " +
          'WebAssembly knows no such mode.',
        reload: live,
      }),
      max_steps: defaulted(integer(1000, 1_000_000_000), defaultSettings.maxSteps, {
        doc:
          'With the plan engine: steps that one decision may take (iterations, calls, and what built-ins charge); the default takes ' +
          'about 10 ms. A decision that takes more is undecided.',
        reload: live,
      }),
      max_memory: optional(size('4MiB', '2GiB'), {
        doc:
          'With the plan engine: what one decision may allocate, estimated; default 64MiB. With the wasm engine: the memory of the ' +
          'policy with its data and one decision; default 256MiB. A decision that takes more is undecided.',
        reload: live,
      }),
      deadline: defaulted(duration('5ms', '1m'), durationText(defaultSettings.deadlineMs), {
        doc:
          'With the wasm engine: processor time of one decision (where the system does not tell it, about the same on the clock). ' +
          'WebAssembly cannot be interrupted, so the data thread is replaced, its connections are broken off, and the policy revision ' +
          'is marked bad.',
        reload: live,
      }),
      cache: optional(cacheOptions, { doc: 'Keeps decisions; without it none is kept.', reload: live }),
    },
  ),
  'rego',
  'bundle',
);

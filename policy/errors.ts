/**
 * Every way in which loading, compiling or checking policies can fail. One row per code; `remedy` says what to do.
 * Codes are stable: they appear in logs, metrics and scripts.
 */
export const policyErrors = {
  'rego-missing': {
    summary: 'A Rego path does not exist or holds no .rego file.',
    remedy: 'correct the path (in a configuration: `policy.rego`), or put a .rego file there',
  },
  'rego-unreadable': {
    summary: 'A Rego file exists but cannot be read.',
    remedy: 'make the file readable for the user that runs portcullis; Rego is text in UTF-8',
  },
  'rego-not-written': {
    summary: 'A Rego file that lacks the layout of OPA cannot be written.',
    remedy: 'make the file writable for the user that runs portcullis, or only ask with `policy fmt --check`',
  },
  'rego-does-not-compile': {
    summary: "OPA's compiler refused the policy.",
    remedy: 'correct the lines listed above; `portcullis policy check PATH` shows every problem',
  },
  'rego-not-strict': {
    summary: "The policy compiles, and OPA's strict mode refuses it, which `policy.strict` asks for.",
    remedy:
      'correct the lines listed above, or set `policy.strict: false`; `portcullis policy check PATH` shows every problem',
  },
  'entrypoint-missing': {
    summary: 'No rule of the policy has the name of the entrypoint.',
    remedy: 'name an existing rule as package/path/rule, such as one of those named above',
  },
  'data-missing': {
    summary: 'The data file does not exist or cannot be read.',
    remedy: 'correct the path of the data file, or leave it out',
  },
  'data-invalid': {
    summary: 'The data file is not a JSON object.',
    remedy: 'correct the JSON at the line named above; the top level must be an object',
  },
  'data-conflict': {
    summary: 'The data has a value where the policy has a rule.',
    remedy: 'rename one of the two; OPA refuses such a bundle too, since both would be the same document',
  },
  'builtin-refused': {
    summary: 'The policy calls a built-in that would make a decision impure, or that this engine lacks.',
    remedy: 'rewrite the rule without the built-in; pass what it would fetch as data or read it from the input',
  },
  'bundle-corrupt': {
    summary: 'A compiled policy is not what its digest says, or lacks a part.',
    remedy: 'build the policy again with `portcullis policy build`',
  },
  'bundle-missing': {
    summary: 'The bundle does not exist or cannot be read.',
    remedy: 'correct the path under `policy.bundle`, or build the bundle again',
  },
  'bundle-invalid': {
    summary: 'The file or folder is not a bundle of OPA, or holds something that a bundle must not.',
    remedy: 'build it again with `opa build` or `portcullis policy build --out FILE.tar.gz`',
  },
  'bundle-capabilities': {
    summary: 'The bundle was built for another version of the built-ins that this program offers.',
    remedy: 'build the bundle again with `portcullis policy build` of this version',
  },
  'bundle-not-written': {
    summary: 'The bundle could not be written.',
    remedy: 'name a folder that is there or can be made, or a file in it whose name ends in .tar.gz',
  },
  'bundle-signed': {
    summary: 'The bundle carries signatures, and this version cannot verify them.',
    remedy: 'build the bundle without signatures, and protect the file by other means until they can be verified here',
  },
  'bundle-unsuitable': {
    summary: 'The bundle lacks what the chosen engine runs: the plan engine plan.json, the wasm engine policy.wasm.',
    remedy:
      'build the bundle with its Rego (`opa build`, target rego) or for the target of the engine, or choose the other `policy.engine`',
  },
  'policy-too-slow': {
    summary: 'The policy did not finish a trial evaluation, so that it would stop every data thread.',
    remedy:
      'look for a rule that compares everything with everything; `policy.engine: plan` ends such an evaluation by itself',
  },
  'wasm-invalid': {
    summary: 'The compiled policy is not a WebAssembly module made by OPA.',
    remedy: 'build the policy again with `portcullis policy build`',
  },
  'plan-invalid': {
    summary: "The policy's plan is not one that OPA's compiler makes: damaged, cut short, or made by another version.",
    remedy: 'build the policy again with `portcullis policy build`',
  },
  'policy-too-large': {
    summary: 'The policy and its data do not fit into the memory an engine may use.',
    remedy: 'make the data smaller, or raise the memory limit of the engine',
  },
  'compiler-damaged': {
    summary: 'The compiler artefact is not what its digest says.',
    remedy: 'restore policy/compiler from the release, or rebuild it with `node policy/compiler/build.mjs`',
  },
  'compiler-failed': {
    summary: 'The compiler process ended without an answer.',
    remedy: 'run the same command again; if it fails again, report it together with the policy',
  },
  'compiler-folder-unusable': {
    summary: 'The folder for temporary files (TMPDIR, or /tmp without it) is missing, full or not writable.',
    remedy: 'give this user a writable folder with room there: a volume or tmpfs where the root is read-only',
  },
  'compiler-timeout': {
    summary: 'The compiler process did not finish in time and was killed.',
    remedy: 'look for a rule or a test that never ends, or give the compiler more time',
  },
  'schema-invalid': {
    summary: 'A schema is not JSON, not a JSON Schema of its dialect, or uses what this validator does not support.',
    remedy: 'correct the places listed above; draft 2020-12 (the default) and draft-07 are supported',
  },
  'schema-open-object': {
    summary: 'An object schema lists members and does not say what happens to members it does not list.',
    remedy: 'write "additionalProperties": false to refuse unknown members, or true to accept them unseen',
  },
  'schema-pattern-not-linear': {
    summary: 'A regular expression is invalid, or cannot be matched in time linear in its input.',
    remedy: 'write it without lookaround, backreferences and repeat counts over 1000; use maxLength for lengths',
  },
  'schema-remote-ref': {
    summary: 'A $ref points outside the schema file; nothing is ever fetched or read for it.',
    remedy: 'copy what it points at under "$defs" and write "$ref": "#/$defs/name"',
  },
  'schema-unknown-format': {
    summary: 'A format is not one that is checked, so that it would only look like a check.',
    remedy: 'use one of the formats listed above, a pattern, or leave the format out',
  },
  'schema-parameter-type': {
    summary: 'A schema for parameters does not say how each parameter is read from text.',
    remedy: 'give each parameter one type: string, integer, number, boolean, or array with items of one of these',
  },
} as const satisfies Record<string, { readonly summary: string; readonly remedy: string }>;

export type PolicyErrorCode = keyof typeof policyErrors;

/** One problem at one place, in the words of the tool that found it. Lines and columns count from 1; 0 is unknown. */
export type Diagnostic = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
};

export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  readonly code: PolicyErrorCode;
  readonly remedy: string;
  readonly diagnostics: readonly Diagnostic[];

  constructor(
    code: PolicyErrorCode,
    message: string,
    options: { readonly diagnostics?: readonly Diagnostic[]; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = policyErrors[code].remedy;
    this.diagnostics = Object.freeze([...(options.diagnostics ?? [])]);
  }
}

/** `file:line:column: message`, the form that editors and terminals turn into a link. */
export function formatDiagnostic({ file, line, column, message }: Diagnostic): string {
  const place = [file, line, column].filter((part) => part !== 0 && part !== '').join(':');
  return place === '' ? message : `${place}: ${message}`;
}

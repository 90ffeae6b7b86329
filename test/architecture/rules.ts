import type { SourceFile } from './imports.ts';

/** Each rule answers with one line for each breach: `file: what, and why it matters`. */
export type Rule = (sources: readonly SourceFile[]) => string[];

const folderRules: readonly { from: RegExp; mayNot: RegExp; but?: RegExp; typesToo?: false; why: string }[] = [
  { from: /^certs\//, mayNot: /^(?!certs\/)/, why: 'certs imports nothing of ours' },
  {
    from: /^policy\//,
    mayNot: /^(?!policy\/)/,
    but: /^certs\/spiffe-id\.ts$/,
    why: 'policy imports certs/spiffe-id.ts only, so that it stays pure',
  },
  { from: /^proxy\//, mayNot: /^compliance\//, why: 'compliance describes the proxy, and not the other way round' },
  // The two share the harness that starts a real proxy, and the load generator.
  { from: /^(?!test\/|bench\/)/, mayNot: /^test\//, why: 'nothing of the product imports test/' },
  {
    from: /^(?!test\/|bench\/|proxy\/cli\/bench[^/]*\.ts$)/,
    mayNot: /^bench\//,
    why: 'only proxy/cli/bench*.ts knows bench/: what serves requests carries no benchmark',
  },
  {
    from: /^proxy\/filters\//,
    mayNot: /^proxy\/filters\//,
    typesToo: false,
    why: 'a filter knows other filters by their facts alone, so the compiler can check the order',
  },
  {
    from: /^proxy\/(?!http1\/|http2\/|data\/|upstream\/|cli\/)/,
    mayNot: /^proxy\/http[12]\//,
    why: 'behind proxy/transport.ts nobody knows which protocol a request came by',
  },
  // The workload is asked over HTTP/1.1 whatever its client speaks.
  {
    from: /^proxy\/(?:http1|upstream)\//,
    mayNot: /^proxy\/http2\//,
    why: 'only who accepts connections knows HTTP/2; what both protocols need stands beside their folders',
  },
  {
    from: /^proxy\/http2\//,
    mayNot: /^proxy\/http1\//,
    why: 'the two protocols know nothing of each other; what both need stands beside their folders',
  },
  {
    from: /^proxy\/(?!cli\/|main\.ts|demo\/)/,
    mayNot: /^proxy\/(?:cli\/|main\.ts|demo\/)/,
    why: 'the command line is outermost; what it calls must not know it',
  },
];

export const folders: Rule = (sources) =>
  sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ ours }) => ours)
      .flatMap(({ target, typeOnly }) =>
        folderRules
          .filter((rule) => rule.from.test(path) && rule.mayNot.test(target) && !rule.but?.test(target))
          .filter((rule) => rule.typesToo !== false || !typeOnly)
          .map((rule) => `${path}: imports ${target}; ${rule.why}`),
      ),
  );

/** A static import would load the benchmark, and its packages, with every start of the proxy. */
export const benchIsLoadedOnDemand: Rule = (sources) =>
  sources
    .filter(({ path }) => !/^(test|bench)\//.test(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ target, dynamic, typeOnly }) => target.startsWith('bench/') && !dynamic && !typeOnly)
        .map(
          ({ target }) =>
            `${path}: imports ${target} at its start; use \`await import()\` in the command that needs it`,
        ),
    );

/** Packages that only some configurations need: a static import on the way from an entry would put them into the memory of every proxy. */
export const loadedOnDemand =
  (entries: readonly string[], packages: readonly string[]): Rule =>
  (sources) => {
    const files = new Map(sources.map((source) => [source.path, source]));
    const reached = new Set(entries);
    const breaches: string[] = [];
    for (const path of reached) {
      for (const { target, ours, dynamic, typeOnly } of files.get(path)?.imports ?? []) {
        if (dynamic || typeOnly) continue;
        if (ours) reached.add(target);
        else if (packages.includes(target))
          breaches.push(`${path}: imports ${target} at every start; use \`await import()\``);
      }
    }
    return breaches;
  };

/** What `portcullis bench` runs is given to users, so it has to work without the tests. Types count. */
export const productReachesNoTest: Rule = (sources) => {
  const files = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set([...files.keys()].filter((path) => !/^(test|bench)\//.test(path)));
  const breaches: string[] = [];
  for (const path of reached) {
    for (const { target } of files.get(path)?.imports ?? []) {
      if (!target.startsWith('bench/')) continue;
      const behind = files.get(target)?.imports.filter((each) => each.target.startsWith('test/')) ?? [];
      breaches.push(
        ...behind.map((each) => `${target}: imports ${each.target}; the command \`bench\` reaches it through ${path}`),
      );
      reached.add(target);
    }
  }
  return [...new Set(breaches)];
};

/** Packages with more than one importing file; `owners` may allow a package a folder of its own. */
export const oneImporter =
  (owners: Readonly<Record<string, RegExp>>): Rule =>
  (sources) => {
    const importers = new Map<string, Set<string>>();
    for (const { path, imports } of sources) {
      for (const { target, ours } of imports) {
        if (ours || target.startsWith('node:') || owners[target]?.test(path)) continue;
        importers.set(target, (importers.get(target) ?? new Set()).add(path));
      }
    }
    return [...importers]
      .filter(([name, files]) => files.size > 1 || owners[name] !== undefined)
      .map(
        ([name, files]) => `${[...files].join(', ')}: import ${name}; one file per package, so that it can be replaced`,
      );
  };

/** A cycle of modules means that none of them can be understood, tested or loaded alone. Types count. */
export const noCycles: Rule = (sources) => {
  const targets = new Map(sources.map(({ path, imports }) => [path, imports.map(({ target }) => target)]));
  const done = new Set<string>();
  const breaches: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      breaches.push(`${[...trail.slice(at), path].join(' -> ')}: a cycle`);
      return;
    }
    if (done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return breaches;
};

/**
 * A file may hand on types of a package, which it then alone imports (`oneImporter`): the types of a syntax tree are the
 * library's, and to write them again would be a second definition. What runs goes through functions of our own.
 */
export const noBarrels: Rule = (sources) =>
  sources
    .filter(
      ({ path, text }) =>
        /(^|\/)index\.ts$/.test(path) ||
        /^export\s+(?!type\s+\{[^}]*\}\s+from '[^.])(type\s+)?(\*|\{[^}]*\})\s.*from /m.test(text),
    )
    .map(({ path }) => `${path}: re-exports; a reader should find a name where it is defined`);

const maxLines = 250;

export const smallFiles: Rule = (sources) =>
  sources
    // What `npm run proto` and `npm run docs` generate is not read.
    .filter(({ path }) => !/_pb\.ts$|\.generated\.ts$/.test(path))
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > maxLines)
    .map(({ path, lines }) => `${path}: ${lines} lines; at most ${maxLines}, look for the concept it hides`);

/** `process.env` and the like in every spelling, such as `const { env } = process`, which a linter rule does not see. */
export const outsideWorld =
  (allowed: RegExp): Rule =>
  (sources) =>
    sources
      .filter(({ path }) => !allowed.test(path))
      .flatMap(({ path, text }) =>
        text
          .split('\n')
          .filter((line) => !/^\s*(\/\/|\*|\/\*)/.test(line))
          .filter((line) =>
            /\bprocess\s*\??\.\s*(env|argv|exit|exitCode|on|once|chdir|cwd)\b|=\s*process\b(?!\s*\??\.)|\bprocess\s*\[|\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|from 'node:process'/.test(
              line,
            ),
          )
          .map(
            (line) => `${path}: \`${line.trim()}\`; only proxy/main.ts and proxy/cli touch the process and the clock`,
          ),
      );

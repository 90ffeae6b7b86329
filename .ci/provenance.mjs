// Says what was built from what, as an in-toto statement with the predicate SLSA provenance v1.
// Usage: node .ci/provenance.mjs SUBJECT... [--base IMAGE@sha256:DIGEST] [--revision COMMIT]
// A subject is a file, or NAME@sha256:DIGEST of what lies elsewhere. It is as good as who runs it: in a workflow of GitHub
// `.ci/publish` has cosign sign it with the identity of that workflow. Inside an image build, where git is not, the revision is given.
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, ...env } = process.env;
const hosted = server !== undefined && repository !== undefined;
const source = hosted ? `git+${server}/${repository}` : 'urn:portcullis:source';

const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');
const git = (...words) => execFileSync('git', ['-C', root, ...words], { encoding: 'utf8' }).trim();

function named(text) {
  const [, name, digest] = /^(.+)@sha256:([0-9a-f]{64})$/.exec(text) ?? [];
  return name === undefined ? undefined : { name, digest: { sha256: digest } };
}

const subject = (text) => named(text) ?? { name: basename(text), digest: { sha256: sha256(text) } };

/** What a build was told, or what lies in this clone. */
const commitOf = (revision = git('rev-parse', 'HEAD')) =>
  /^[0-9a-f]{40,64}$/.test(revision) ? { digest: { gitCommit: revision } } : {};

function materials(base, revision) {
  const reference = env.GITHUB_REF ?? 'HEAD';
  return [
    { uri: `${source}@${reference}`, ...commitOf(revision) },
    { uri: 'package-lock.json', digest: { sha256: sha256(join(root, 'package-lock.json')) } },
    ...(base === undefined ? [] : [{ uri: `docker://${base.name}`, digest: base.digest }]),
  ];
}

function statement(subjects, base, revision) {
  const run = `${server}/${repository}/actions/runs/${env.GITHUB_RUN_ID}/attempts/${env.GITHUB_RUN_ATTEMPT}`;
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjects.map(subject),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'urn:portcullis:docker-build:v1',
        externalParameters: { source, ref: env.GITHUB_REF ?? 'HEAD' },
        // A build of what nobody has committed can be repeated by nobody.
        internalParameters:
          revision === undefined ? { uncommitted: git('status', '--porcelain', '--untracked-files=no') !== '' } : {},
        resolvedDependencies: materials(base, revision),
      },
      runDetails: {
        builder: { id: hosted ? `${server}/${env.GITHUB_WORKFLOW_REF}` : 'urn:portcullis:by-hand' },
        metadata: {
          invocationId: hosted ? run : `urn:uuid:${randomUUID()}`,
          finishedOn: new Date().toISOString(),
        },
      },
    },
  };
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { base: { type: 'string' }, revision: { type: 'string' } },
});
const base = values.base === undefined ? undefined : named(values.base);
if (positionals.length === 0 || (values.base !== undefined && base === undefined)) {
  console.error(
    'usage: node .ci/provenance.mjs FILE|NAME@sha256:DIGEST... [--base IMAGE@sha256:DIGEST] [--revision COMMIT]',
  );
  process.exit(2);
}
process.stdout.write(`${JSON.stringify(statement(positionals, base, values.revision), undefined, 1)}\n`);

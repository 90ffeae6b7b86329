import { createComplaints } from '../../certs/sources/complaints.ts';
import type { IdentityEvent } from '../../certs/sources/events.ts';
import { afterDelay, type Schedule } from '../../certs/sources/schedule.ts';
import type { SvidMaterial } from '../../certs/sources/svid-source.ts';
import { fetchJwtBundles } from '../../certs/sources/workload-api/connect.ts';
import type { Endpoint } from '../../certs/sources/workload-api/endpoint.ts';
import { followAgent } from '../../certs/sources/workload-api/follow.ts';
import type { JWTBundlesResponse } from '../../certs/workload-api/proto/workload_pb.ts';
import { readStrictJson } from '../../policy/json/strict-json.ts';
import { readJwtBundle } from '../caller/jwt-bundle.ts';
import type { Config } from '../config/config.ts';
import { MAX_JWKS_BYTES } from '../config/file-checks.ts';
import { jwtBundleKey } from '../snapshot-data.ts';

export type AgentBundlesOptions = {
  readonly endpoint: Endpoint;
  readonly now: () => number;
  /** Complaints say what stays in use. */
  readonly current: () => SvidMaterial;
  readonly onEvent: (event: IdentityEvent) => void;
  readonly schedule?: Schedule;
  readonly random?: () => number;
};

export type AgentBundles = {
  /** Those that the configuration asks the agent for, as far as they have come. The first one who asks has the agent asked. */
  readonly get: (config: Pick<Config, 'loadBalancers'>) => ReadonlyMap<string, string>;
  readonly watch: (changed: () => void) => () => void;
  readonly close: () => void;
};

/**
 * The JWT bundles that the agent of our identity pushes. One that is not good is not used, and the one there was of that trust domain
 * stays; one that a message lacks is withdrawn. While the agent is away everything stays, as with the roots.
 */
export function agentBundles(options: AgentBundlesOptions): AgentBundles {
  const { endpoint, now, current, onEvent, schedule = afterDelay, random = Math.random } = options;
  const aboutStream = createComplaints(onEvent, current);
  const aboutContent = createComplaints(onEvent, current);
  const watchers = new Set<() => void>();
  let bundles: ReadonlyMap<string, string> = new Map();
  /** What was asked for last. */
  let shown = bundles;
  let newest: JWTBundlesResponse | undefined;
  let hangUp: (() => void) | undefined;
  const judge = async (response: JWTBundlesResponse | undefined) => {
    newest = response;
    aboutStream.tell([]);
    const judged = await judgeBundles(response, bundles);
    // Another message has come in the meantime, or nobody listens any more.
    if (newest !== response || hangUp === undefined) return;
    aboutContent.tell(judged.problems.map((message) => ({ about: 'bundle', code: 'workload-api-malformed', message })));
    const before = bundles;
    bundles = judged.bundles;
    if (!isSame(before, bundles)) for (const changed of watchers) changed();
  };
  return {
    get: ({ loadBalancers }) => {
      const wanted = (loadBalancers?.jwtBundles ?? [])
        .filter(({ file, isFederated }) => file === undefined && !isFederated)
        .map(jwtBundleKey);
      if (wanted.length === 0) return new Map();
      hangUp ??= followAgent({
        ask: fetchJwtBundles,
        endpoint,
        received: (response) => void judge(response),
        lost: ({ code, message }, failures) => {
          if (failures > 1) aboutStream.tell([{ about: 'bundle', code, message }]);
        },
        now,
        schedule,
        random,
      });
      shown = bundles;
      return new Map([...bundles].filter(([name]) => wanted.includes(name)));
    },
    watch: (changed) => {
      const watcher = () => changed();
      watchers.add(watcher);
      if (!isSame(shown, bundles)) changed();
      return () => void watchers.delete(watcher);
    },
    close: () => {
      hangUp?.();
      hangUp = undefined;
      watchers.clear();
    },
  };
}

type Judged = { readonly bundles: ReadonlyMap<string, string>; readonly problems: readonly string[] };

async function judgeBundles(
  response: JWTBundlesResponse | undefined,
  before: ReadonlyMap<string, string>,
): Promise<Judged> {
  if (response === undefined) return { bundles: before, problems: ['JWT bundles that cannot be read'] };
  const all = await Promise.all(
    Object.entries(response.bundles).map(async ([name, bytes]) => {
      const problem = await problemOf(bytes);
      const shown = JSON.stringify(name.slice(0, 200)).replaceAll(/[^ -~]/g, '?');
      const text = problem === undefined ? Buffer.from(bytes).toString('utf8') : before.get(name);
      return { name, text, problem: problem && `the JWT bundle of ${shown}: ${problem}` };
    }),
  );
  return {
    bundles: new Map(all.flatMap(({ name, text }) => (text === undefined ? [] : [[name, text] as const]))),
    problems: all.flatMap(({ problem }) => problem ?? []),
  };
}

async function problemOf(bytes: Uint8Array): Promise<string | undefined> {
  if (bytes.length > MAX_JWKS_BYTES) return `more than ${MAX_JWKS_BYTES} bytes`;
  const reading = readStrictJson(bytes, { maxDepth: 16 });
  if (!reading.ok) return `is not acceptable JSON: ${reading.problem.code}`;
  const [problem] = (await readJwtBundle(reading.value)).problems;
  return problem && `${problem.pointer} ${problem.message}`.trimStart();
}

function isSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([name, text]) => other.get(name) === text);
}

import { join, resolve } from 'node:path';
import { thisMachine } from '../config/world.ts';
import { loadConfigFile, loadRules, loadSnapshot } from '../control/load-snapshot.ts';
import { tryPolicy } from '../control/policy-trial.ts';
import { isDenial } from '../denial.ts';
import { hydrate } from '../hydrate.ts';
import { type Arguments, type Command, type Io, requiredValue, UsageError } from './command.ts';
import { explanationJson, explanationText } from './explanation.ts';
import { givenRequest } from './given-request.ts';
import { rehearse } from './rehearsal.ts';
import { traceOf } from './trace.ts';

export const explainCommands: readonly Command[] = [
  {
    path: ['explain'],
    summary: 'decide one request given here, offline, and say why',
    options: [
      { name: 'config', short: 'c', value: 'FILE', required: true, help: 'the configuration file' },
      { name: 'id', value: 'SPIFFE_ID', required: true, help: 'who asks' },
      { name: 'target', value: 'TARGET', required: true, help: 'path and query, as on the wire' },
      { name: 'method', value: 'METHOD', help: 'default: GET' },
      { name: 'header', value: 'NAME: VALUE', repeat: true, help: 'a request header' },
      { name: 'body', value: 'FILE', help: 'file with the request body' },
      { name: 'http2', help: 'as one that came over HTTP/2; default: over HTTP/1.1' },
      { name: 'at', value: 'TIME', help: 'RFC 3339 time of the request; default: now' },
      { name: 'trace', help: 'also show which lines of the policy were evaluated, and which of them failed' },
      { name: 'json', help: "print one JSON document, with the policy's input and result" },
    ],
    exitCodes: { 0: 'it would be allowed', 1: 'it would be refused' },
    run: explain,
  },
];

async function explain(args: Arguments, io: Io): Promise<number> {
  const { config } = await loadConfigFile(resolve(io.cwd, requiredValue(args, 'config')), thisMachine(io.env), io.cwd);
  const cacheFolder = join(config.identity.stateFolder, 'policy-cache');
  // Who may vouch for the peer is not asked here, so the trust bundle stays empty.
  const rules = await loadRules(config, { cacheFolder });
  const data = await loadSnapshot(rules, { trust: [], lists: [], fetchedKeys: new Map() });
  const wantsTrace = args.switches.has('trace');
  if (wantsTrace && data.policy.plan === '') throw new UsageError(noPlan);
  // Nothing would end an endless policy here.
  await tryPolicy(data);
  // Nobody is asked from here: what needs an answer of an issuer stays undecided.
  const offline = { ...data, introspection: new Map() };
  const { outcome, asked } = await rehearse(await hydrate(offline), (snapshot) => givenRequest(args, io, snapshot));
  const trace = wantsTrace ? await traceOf(data, asked) : undefined;
  const explained = { outcome, asked, trace, policy: data.policy, engine: config.policy.engine.engine };
  io.out(args.switches.has('json') ? explanationJson(explained) : explanationText(explained, io));
  return isDenial(outcome) ? 1 : 0;
}

const noPlan = '--trace: the bundle has no plan.json; build it with its Rego, or with `portcullis policy build`';

import { givenRequest } from '../../../proxy/cli/given-request.ts';
import { type Arguments, type Io, UsageError } from '../../../proxy/cli/command.ts';
import { rehearse } from '../../../proxy/cli/rehearsal.ts';
import { denialStatus, isDenial } from '../../../proxy/denial.ts';
import type { Snapshot } from '../../../proxy/snapshot.ts';
import type { Named } from '../same-answers.ts';
import { type Entry, unusable } from './json-file.ts';

/**
 * What a file gives to decide: documents that the policy sees, or requests, of which the proxy makes such documents as `explain`
 * does. Throws ProxyError for the first that is neither, or that the proxy would refuse before it asks the policy.
 */
export async function givenInputs(
  entries: readonly Entry[],
  snapshot: () => Promise<Snapshot>,
  io: Io,
): Promise<readonly Named[]> {
  const inputs: Named[] = [];
  let judge: Snapshot | undefined;
  for (const entry of entries) {
    const object = objectOf(entry);
    if ('target' in object) {
      judge ??= await snapshot();
      inputs.push({ name: entry.name, input: await requested(entry.name, object, judge, io) });
    } else inputs.push({ name: entry.name, input: object });
  }
  return inputs;
}

type JsonObject = Readonly<Record<string, unknown>>;

function objectOf({ name, value }: Entry): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw unusable(`${name} is no JSON object, and the input of a request is one`);
}

/** The options of `explain` that are facts of the request. */
const options = ['id', 'target', 'method', 'header', 'body', 'at'];

async function requested(name: string, request: JsonObject, snapshot: Snapshot, io: Io): Promise<unknown> {
  const args = argumentsOf(name, request);
  const { outcome, asked } = await rehearse(snapshot, (judgedBy) => givenRequest(args, io, judgedBy)).catch(
    (cause: unknown) => {
      throw cause instanceof UsageError ? unusable(`${name}: ${cause.message}`) : cause;
    },
  );
  if (asked !== undefined) return asked.input;
  const why = isDenial(outcome) ? `: ${denialStatus(outcome)} ${outcome.code}` : '';
  const detail = isDenial(outcome) && outcome.detail !== undefined ? ` (${outcome.detail})` : '';
  throw unusable(`${name} is refused before the policy is asked${why}${detail}`);
}

function argumentsOf(name: string, request: JsonObject): Arguments {
  const values = Object.entries(request).map(([option, value]) => {
    if (!options.includes(option)) {
      throw unusable(`${name}: a request has ${options.join(', ')}, and no ${JSON.stringify(option)}`);
    }
    const given = Array.isArray(value) && option === 'header' ? (value as readonly unknown[]) : [value];
    const texts = given.filter((one) => typeof one === 'string');
    if (texts.length === given.length) return [option, texts] as const;
    throw unusable(`${name}: ${option} is ${option === 'header' ? 'a list of texts NAME: VALUE' : 'a text'}`);
  });
  return { switches: new Set(), values: new Map(values), positionals: [] };
}

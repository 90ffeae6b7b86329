import type { RequestOptions } from 'node:http';
import { resolve } from 'node:path';
import { parseAddress } from '../config/address.ts';
import type { Address } from '../config/config.ts';
import { type Arguments, type Command, type Io, UsageError, valueOf } from './command.ts';

/** It asks our own admin address, and decides nothing by the answer. Not an `import`: see `node-http.ts`. */
const { request } = process.getBuiltinModule('node:http');

const defaultAdmin = '127.0.0.1:9464';
/** Less than the time that orchestrators give a probe, so that the reason is printed before they end it. */
const withinMs = 2000;
/** Nothing that the admin address answers to a probe is longer. */
const maxAnswerBytes = 64 * 1024;

const options = [
  { name: 'admin', value: 'ADDRESS', help: `the proxy's \`admin\` address, ${defaultAdmin} unless given` },
] as const;

/** For the health checks of images and orchestrators: what serves has no shell and no curl beside it. */
export const probeCommands: readonly Command[] = [
  {
    path: ['probe', 'ready'],
    summary: 'ask a running proxy whether it may be sent requests',
    options,
    // Only 0 and 1: Docker reserves 2 for a health check.
    exitCodes: { 0: 'it is ready', 1: 'it is not, or does not answer; the message says why' },
    run: (args, io) => probe('/readyz', args, io),
  },
  {
    path: ['probe', 'live'],
    summary: 'ask a running proxy whether its control thread lives',
    options,
    exitCodes: { 0: 'it lives', 1: 'it does not answer; the message says why' },
    run: (args, io) => probe('/livez', args, io),
  },
];

async function probe(path: string, args: Arguments, io: Io): Promise<number> {
  const given = valueOf(args, 'admin') ?? defaultAdmin;
  const parsed = parseAddress(given, (socket) => resolve(io.cwd, socket));
  if ('wrong' in parsed) throw new UsageError(`--admin: ${parsed.wrong}`);
  const complaint = await complaintOf(parsed.value, path).catch(
    (cause: NodeJS.ErrnoException) => `no answer from ${given}: ${cause.code ?? cause.message}`,
  );
  if (complaint === undefined) return 0;
  io.err(`${complaint}\n`);
  return 1;
}

async function complaintOf(admin: Address, path: string): Promise<string | undefined> {
  const { status, body } = await get(admin, path);
  if (status === 200) return undefined;
  return `status ${status}: ${unmetConditions(body) ?? 'this is not the answer of a proxy'}`;
}

/** Undefined when the answer is not one of ours. */
function unmetConditions(body: string): string | undefined {
  try {
    const { conditions } = JSON.parse(body) as {
      readonly conditions: readonly { readonly name: string; readonly ok: boolean; readonly detail?: string }[];
    };
    const unmet = conditions.filter(({ ok }) => !ok);
    return unmet.map(({ name, detail }) => (detail === undefined ? name : `${name} (${detail})`)).join(', ');
  } catch {
    return undefined;
  }
}

function get(admin: Address, path: string): Promise<{ readonly status: number; readonly body: string }> {
  const where: RequestOptions =
    admin.kind === 'unix' ? { socketPath: admin.path, host: 'localhost' } : { host: admin.host, port: admin.port };
  return new Promise((resolveAnswer, reject) => {
    const signal = AbortSignal.timeout(withinMs);
    const outgoing = request({ ...where, path, signal, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
        if (body.length > maxAnswerBytes) response.destroy(new Error('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () => resolveAnswer({ status: response.statusCode ?? 0, body }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

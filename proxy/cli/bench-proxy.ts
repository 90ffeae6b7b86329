import { resolve } from 'node:path';
import type { Client, GivenRequests, Request } from '../../bench/proxy/request.ts';
import { interruptedExitCodes, outputOptions, readOutputs, wholeNumber, wholeNumbers } from './bench-options.ts';
import { type Arguments, type Command, type Io, requiredValue, UsageError, valueOf } from './command.ts';

export const benchProxy: Command = {
  path: ['bench', 'proxy'],
  summary: 'measure a proxy of this configuration under load, next to a direct connection to its workload',
  options: [
    { name: 'config', short: 'c', value: 'FILE', required: true, help: 'the configuration file' },
    { name: 'id', value: 'SPIFFE_ID', help: 'who asks; a certificate is issued for the run, by a CA of its own' },
    {
      name: 'cert',
      value: 'FILE',
      help: 'instead of --id: the certificate chain of who asks, from the CA of the proxy',
    },
    { name: 'key', value: 'FILE', help: 'the key of --cert' },
    {
      name: 'target',
      value: 'TARGET',
      help: 'path and query of the request; default: of the first route that takes GET',
    },
    { name: 'method', value: 'METHOD', help: 'default: GET, or POST with --body' },
    { name: 'header', value: 'NAME: VALUE', repeat: true, help: 'a request header' },
    { name: 'body', value: 'FILE', help: 'file with the request body' },
    {
      name: 'request',
      value: 'FILE',
      help: 'send these in turns: JSON objects with target, method, header (a list) and body (a text), as one document, an array or lines',
    },
    {
      name: 'workload',
      value: 'WHICH',
      help: 'configured, or builtin: a small one that says yes to everything, in clear text; default: configured',
    },
    { name: 'rate', value: 'N,N...', help: 'requests per second at which latency is measured; default: 500' },
    { name: 'connections', value: 'N', help: 'kept alive; default: 32' },
    { name: 'seconds', value: 'N', help: 'how long each subject has its turn; default: 5' },
    { name: 'rounds', value: 'N', help: 'how often each subject has its turn; default: 5' },
    {
      name: 'lag',
      value: 'MS',
      help: 'no latency is shown where one request in a hundred left later than this after it was due; default: 5',
    },
    { name: 'filters', help: 'also switch the filters on one after the other, and say what each costs' },
    { name: 'handshakes', help: 'also measure a new connection for each request' },
    ...outputOptions,
  ],
  exitCodes: {
    0: 'it was measured',
    1: 'requests failed, or a rate was not made; each is named',
    ...interruptedExitCodes,
  },
  run: async (args, io) => {
    const request = readRequest(args, io);
    const { runBenchProxy } = await import('../../bench/proxy/run.ts');
    return runBenchProxy(request, io);
  },
};

function readRequest(args: Arguments, io: Io): Request {
  const number = (name: string, otherwise: number, most: number) =>
    wholeNumber(name, valueOf(args, name) ?? String(otherwise), most);
  return {
    configFile: resolve(io.cwd, requiredValue(args, 'config')),
    client: readClient(args, io),
    requests: readRequests(args, io),
    workload: readWorkload(valueOf(args, 'workload') ?? 'configured'),
    rates: wholeNumbers('rate', valueOf(args, 'rate') ?? '500', 1_000_000),
    connections: number('connections', 32, 100_000),
    seconds: number('seconds', 5, 86_400),
    rounds: number('rounds', 5, 1000),
    lagBoundMs: number('lag', 5, 60_000),
    filters: args.switches.has('filters'),
    handshakes: args.switches.has('handshakes'),
    ...readOutputs(args, io),
  };
}

function readClient(args: Arguments, io: Io): Client {
  const [id, cert, key] = ['id', 'cert', 'key'].map((name) => valueOf(args, name));
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--cert and --key belong together');
  if (id !== undefined && cert !== undefined) throw new UsageError('--id, or --cert with --key, not both');
  if (id !== undefined) return { kind: 'issued', id };
  if (cert === undefined || key === undefined) throw new UsageError('who asks? --id SPIFFE_ID, or --cert with --key');
  return { kind: 'files', certFile: resolve(io.cwd, cert), keyFile: resolve(io.cwd, key) };
}

function readRequests(args: Arguments, io: Io): GivenRequests | undefined {
  const file = valueOf(args, 'request');
  const path = valueOf(args, 'target');
  const own = ['target', 'method', 'header', 'body'].filter((name) => args.values.has(name));
  if (file !== undefined) {
    if (own.length > 0) throw new UsageError(`--request brings its own, so --${own[0]} has no place`);
    return { kind: 'file', file: resolve(io.cwd, file) };
  }
  if (own.length === 0) return undefined;
  if (path === undefined) throw new UsageError(`--${own[0]} needs --target`);
  const body = valueOf(args, 'body');
  const method = valueOf(args, 'method') ?? (body === undefined ? 'GET' : 'POST');
  const headers = Object.fromEntries((args.values.get('header') ?? []).map(readHeader));
  return { kind: 'one', request: { method, path, headers }, bodyFile: body && resolve(io.cwd, body) };
}

function readHeader(line: string): [string, string] {
  const at = line.indexOf(':');
  if (at < 1 || /[\r\n]/.test(line)) throw new UsageError(`--header is not NAME: VALUE: ${JSON.stringify(line)}`);
  return [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()];
}

function readWorkload(text: string): Request['workload'] {
  if (text === 'configured' || text === 'builtin') return text;
  throw new UsageError(`--workload is configured or builtin, not '${text}'`);
}

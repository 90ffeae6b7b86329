import type { Endpoint } from '../../certs/sources/workload-api/endpoint.ts';
import { isLoopback, parseAddress } from './address.ts';
import { text } from './shape.ts';
import type { Parsed, Shape } from './shape.ts';

const allowed = '`unix:///run/spire/agent.sock` or `tcp://127.0.0.1:8081`';

export const spiffeEndpoint: Shape<Endpoint> = text(
  `the URI of an agent's socket, ${allowed}`,
  { pattern: '^(unix:(//)?/[^/]|tcp://)' },
  parseSpiffeEndpoint,
);

/** SPIFFE Workload Endpoint section 4: the scheme, and an absolute path or an IP address with its port; no other part of a URI. */
export function parseSpiffeEndpoint(uri: string): Parsed<Endpoint> {
  const [, address] = /^tcp:\/\/(.*)$/s.exec(uri) ?? [];
  if (address !== undefined) return parseTcp(address);
  const [, path] = /^unix:(?:\/\/)?(\/(?!\/).*)$/s.exec(uri) ?? [];
  if (path === undefined) return { wrong: `\`${uri}\` is neither unix:///PATH nor tcp://ADDRESS:PORT` };
  // In a URI these begin a query, a fragment or an escape: two readers would open two sockets.
  if (/[?#%]/.test(path)) return { wrong: `\`${uri}\` has a ?, # or % in its path` };
  const parsed = parseAddress(`unix:${path}`, (absolute) => absolute);
  if ('wrong' in parsed) return parsed;
  return parsed.value.kind === 'unix' ? { value: parsed.value } : { wrong: `\`${uri}\` is no socket` };
}

function parseTcp(address: string): Parsed<Endpoint> {
  const parsed = parseAddress(address, (path) => path);
  if ('wrong' in parsed) return { wrong: parsed.wrong };
  const { value } = parsed;
  if (value.kind === 'unix' || value.host === 'localhost')
    return { wrong: `\`${address}\` is no IP address with a port` };
  if (!isLoopback(value))
    return { wrong: `\`${address}\` is not loopback: our private key would cross the network in clear text` };
  return { value };
}

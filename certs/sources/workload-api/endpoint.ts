/** Where the agent listens: on this machine, because keys travel in clear text. The host is an IP address. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** As the environment variable SPIFFE_ENDPOINT_SOCKET has it. */
export function endpointText(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix://${endpoint.path}`;
  const { host, port } = endpoint;
  return `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

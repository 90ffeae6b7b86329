import { execFileSync } from 'node:child_process';

const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] });

/** The networks of a compose file as bridges in a namespace of their own, so that the machine's stay as they are. */
export function createNetwork(compose, services) {
  const prefix = `pc${process.pid}`;
  const bridges = `${prefix}-bridges`;
  const namespaces = new Map();
  const addresses = new Map();

  const add = (name) => {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
  };

  /** Of the /24 that the file gives a network, or of one that it leaves to the engine. */
  const prefixOf = (net, index) =>
    compose.networks[net].ipam?.config[0].subnet.replace(/\.0\/24$/, '') ?? `172.29.${100 + index}`;

  const wanted = Object.entries(compose.services).filter(([, { network_mode: mode }]) => !mode?.startsWith('service:'));
  add(bridges);
  const names = Object.keys(compose.networks);
  names.forEach((_, index) => {
    ip('-n', bridges, 'link', 'add', `br${index}`, 'type', 'bridge');
    ip('-n', bridges, 'link', 'set', `br${index}`, 'up');
  });
  wanted.forEach(([name, { networks = [] }], host) => {
    const own = `${prefix}-${name}`;
    namespaces.set(name, own);
    add(own);
    const attachments = Array.isArray(networks) ? networks.map((each) => [each, {}]) : Object.entries(networks);
    for (const [net, given] of attachments) {
      const index = names.indexOf(net);
      const address = given?.ipv4_address ?? `${prefixOf(net, index)}.${100 + host}`;
      const port = `v${index}x${host}`;
      ip('-n', own, 'link', 'add', `eth${index}`, 'type', 'veth', 'peer', 'name', port, 'netns', bridges);
      ip('-n', bridges, 'link', 'set', port, 'master', `br${index}`, 'up');
      ip('-n', own, 'addr', 'add', `${address}/24`, 'dev', `eth${index}`);
      ip('-n', own, 'link', 'set', `eth${index}`, 'up');
      if (!addresses.has(name)) addresses.set(name, address);
    }
  });

  return {
    namespaceOf: (name) =>
      namespaces.get(services.get(name)?.network_mode?.replace(/^service:/, '') ?? name) ?? namespaces.get(name),
    hosts: () =>
      ['127.0.0.1 localhost', ...[...addresses].map(([name, address]) => `${address} ${name}`), ''].join('\n'),
    remove: () => {
      for (const name of [...namespaces.values(), bridges]) ip('netns', 'del', name);
    },
  };
}

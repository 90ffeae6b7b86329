import type { ClientCredential } from '../../test/harness/client.ts';
import { below, oneOf, type Random } from '../../test/harness/random.ts';
import { connectSoakClient, type SoakClient } from './client.ts';
import { lastWords } from './workload.ts';

export type Target = {
  readonly port: number;
  readonly credential: ClientCredential;
  readonly random: Random;
};

/** What the clients did and saw. */
export type ClientTally = {
  connections: number;
  /** Targets whose answer came whole. */
  readonly answered: Set<string>;
  /** Connections that the client tore away, or asked the workload to. */
  torn: number;
  /** What should have gone well and did not. */
  readonly failures: string[];
};

type Ask = (name: string) => { readonly target: string; readonly bytes: string };
type Deed = (client: SoakClient, ask: Ask, random: Random) => Promise<readonly string[]>;

const get: Ask = (name) => simple('GET', name);
const large: Ask = (name) => simple('GET', `large/${name}`);
const post: Ask = (name) => simple('POST', name, ['Content-Length: 1024'], 'x'.repeat(1024));
const chunked: Ask = (name) => {
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  return simple('PUT', name, ['Transfer-Encoding: chunked'], `${chunk.repeat(3)}0\r\n\r\n`);
};

function simple(method: string, name: string, fields: readonly string[] = [], body = '') {
  const target = `/${name}`;
  return { target, bytes: [`${method} ${target} HTTP/1.1`, 'Host: localhost', ...fields, '', body].join('\r\n') };
}

/** Requests whose answers have to come whole, one or a few at a time. */
const askAndRead: Deed = async (client, ask, random) => {
  const asked = Array.from({ length: oneOf(random, [1, 1, 1, 4]) }, (_, index) => ask(`${index}`));
  client.write(asked.map(({ bytes }) => bytes).join(''));
  const last = asked.at(-1)?.target ?? '';
  if (!(await client.until(lastWords(last)))) throw new Error(`${last}: the connection ended before its answer`);
  return asked.map(({ target }) => target);
};

/** The ways to leave. Nothing is owed to who has left, but one record for each exchange. */
const leave: readonly Deed[] = [
  async (client, ask, random) => {
    const { bytes } = ask('cut');
    client.write(bytes.slice(0, below(random, bytes.length)));
    await flushed(client);
    return [];
  },
  async (client, ask) => {
    client.write(ask('unread').bytes);
    await flushed(client);
    return [];
  },
  async (client, ask) => {
    client.write(ask('begun').bytes);
    await client.until('HTTP/1.1');
    return [];
  },
  async (client) => {
    const { bytes } = large('leaves-the-rest');
    client.write(bytes.repeat(3));
    await client.until('xxx');
    return [];
  },
  async (client, ask) => {
    const { target, bytes } = ask('half-closed');
    client.socket.end(bytes);
    return (await client.until(lastWords(target))) ? [target] : [];
  },
  async (client) => {
    client.write(get('torn').bytes);
    await client.untilClosed();
    return [];
  },
  async (client) => {
    client.write('PUT /odd HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n');
    await client.untilClosed();
    return [];
  },
];

/** One connection after the other until it is over: some requests that go well, then an end of one kind or another. */
export async function runClients({ port, credential, random }: Target, lanes: number, goesOn: () => boolean) {
  const tally: ClientTally = { connections: 0, answered: new Set(), torn: 0, failures: [] };
  const lane = async () => {
    while (goesOn()) {
      const number = (tally.connections += 1);
      const client = await connectSoakClient(port, credential);
      await runConnection(client, `c${number}`, random, tally);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return tally;
}

async function runConnection(client: SoakClient, name: string, random: Random, tally: ClientTally): Promise<void> {
  let requests = 0;
  const kind = (): Ask => {
    const ask = oneOf(random, [get, get, get, get, get, post, post, post, chunked, large]);
    return (suffix) => ask(`${name}-${(requests += 1)}-${suffix}`);
  };
  try {
    for (let deeds = below(random, 24); deeds > 0; deeds -= 1) {
      for (const target of await askAndRead(client, kind(), random)) tally.answered.add(target);
    }
  } catch (cause) {
    tally.failures.push(String(cause).slice(0, 300));
  }
  if (random() < 0.7) {
    tally.torn += 1;
    const targets = await oneOf(random, leave)(client, kind(), random).catch(() => []);
    for (const target of targets) tally.answered.add(target);
  }
  if (random() < 0.5) client.reset();
  else client.socket.destroy();
}

/** What was written has at least left this process. */
function flushed({ socket }: SoakClient): Promise<void> {
  return new Promise((resolve) => {
    if (socket.writableLength === 0) resolve();
    else socket.once('drain', resolve).once('close', resolve);
  });
}

import { exchange, requestText } from './client.ts';
import { eventually } from './process.ts';
import { keepConnection } from './kept-connection.ts';
import type { TestProxy } from './proxy.ts';

export type Status = number | undefined;

/** The status of one request on a connection of its own; a 503 has to say when to come again. */
export async function ask(proxy: TestProxy, target = '/orders', credential = proxy.client): Promise<Status> {
  const { answer, client } = await exchange(proxy.port, credential, requestText('GET', target));
  client.close();
  if (answer?.status === 503 && !answer.headers.has('retry-after')) throw new Error('no time to come again');
  return answer?.status;
}

export async function askTimes(proxy: TestProxy, times: number, target?: string): Promise<readonly Status[]> {
  const statuses: Status[] = [];
  for (let n = 0; n < times; n += 1) statuses.push(await ask(proxy, target));
  return statuses;
}

/** Over one connection, one after the other, up to and with the status that is waited for. */
export async function askUntil(proxy: TestProxy, wanted: number, target: string): Promise<readonly Status[]> {
  const { ask: askAgain, client } = await keepConnection(proxy.port, proxy.client);
  const statuses: Status[] = [];
  await eventually(async () => statuses.push((await askAgain(target)).status) > 0 && statuses.at(-1) === wanted);
  client.close();
  return statuses;
}

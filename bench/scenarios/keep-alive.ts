import { gets, posts } from './requests.ts';
import { closedLoop, type Scenario } from './scenario.ts';

const shapes = { GET: gets(), 'POST 1 KB': posts(1024) };

export const keepAlive: Scenario = {
  name: 'keep-alive',
  summary: 'GET and POST 1 KB over 32 kept connections',
  cases: () => ({ cases: keepAliveCases([32]), notes: [] }),
};

export const keepAliveAll: Scenario = {
  name: 'keep-alive-all',
  summary: 'the same over 1, 32 and 256 kept connections',
  cases: () => ({ cases: keepAliveCases([1, 32, 256]), notes: [] }),
};

function keepAliveCases(connections: readonly number[]) {
  return connections.flatMap((count) =>
    Object.entries(shapes).map(([shape, requests]) => ({
      name: `${shape}, ${count} ${count === 1 ? 'connection' : 'connections'}`,
      open: closedLoop(count, requests),
    })),
  );
}

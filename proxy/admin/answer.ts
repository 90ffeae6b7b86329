import type { AdminState } from './state.ts';

export type Answer = { readonly status: number; readonly type: string; readonly body: string };

const json = (status: number, value: unknown): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value, undefined, 2)}\n`,
});

export function refused(status: number, reason: string): Answer {
  return json(status, { error: reason });
}

type Endpoint = (state: AdminState) => Answer | Promise<Answer>;

/** Everything there is to ask. The whole target is the key: nothing is decoded, normalised or cut at a question mark. */
const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
  ['/livez', () => json(200, { live: true })],
  [
    '/readyz',
    (state) => {
      const conditions = state.ready();
      // No condition at all means that nothing was verified.
      const ready = conditions.length > 0 && conditions.every(({ ok }) => ok);
      return json(ready ? 200 : 503, { ready, conditions });
    },
  ],
  [
    '/metrics',
    async (state) => ({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await state.metrics() }),
  ],
  ['/snapshot', (state) => json(200, state.snapshot())],
]);

export async function answerTo(target: string, state: AdminState): Promise<Answer> {
  const endpoint = ENDPOINTS.get(target);
  return endpoint === undefined ? refused(404, 'no-such-endpoint') : endpoint(state);
}

import type { AdminState } from '../admin/state.ts';

/** What the admin address says from the first moment on, also while the proxy has to wait for its identity. */
export type Starting = {
  readonly state: AdminState;
  readonly waitingFor: (why: string) => void;
  /** From now on it is the state of the proxy that runs. */
  readonly done: (running: Omit<AdminState, 'onCall'>) => void;
};

export function starting(parts: Pick<AdminState, 'onCall' | 'metrics'>): Starting {
  let detail = 'the proxy is being started';
  let now: Omit<AdminState, 'onCall'> = {
    ready: () => [{ name: 'start', ok: false, detail }],
    metrics: parts.metrics,
    snapshot: () => ({ starting: detail }),
  };
  return {
    state: {
      ready: () => now.ready(),
      metrics: () => now.metrics(),
      snapshot: () => now.snapshot(),
      onCall: parts.onCall,
    },
    waitingFor: (why) => {
      detail = `waiting for an identity: ${why}`;
    },
    done: (running) => {
      now = running;
    },
  };
}

import { audit } from './audit.ts';
import { bodies } from './bodies.ts';
import { handshakes } from './handshakes.ts';
import { identities } from './identities.ts';
import { idle } from './idle.ts';
import { keepAlive, keepAliveAll } from './keep-alive.ts';
import { memory } from './memory.ts';
import { halfLoad, openLoop } from './open-loop.ts';
import { reload } from './reload.ts';
import { routes } from './routes.ts';
import { rules } from './rules.ts';
import type { Scenario } from './scenario.ts';
import { startUp } from './start-up.ts';
import { threads } from './threads.ts';

export const allScenarios: readonly Scenario[] = [
  keepAlive,
  keepAliveAll,
  handshakes,
  openLoop,
  halfLoad,
  bodies,
  rules,
  routes,
  identities,
  audit,
  reload,
  threads,
  idle,
  memory,
  startUp,
];

import { handshakeRefusalReasons } from '../../certs/handshake-refusal.ts';
import type { Config } from '../config/config.ts';
import type { Vocabulary } from '../telemetry/vocabulary.ts';

/** The names that may become label values, from the configuration and the closed lists. */
export function vocabularyOf({ routes }: Config): Vocabulary {
  return {
    routes: routes.map(({ name }) => name),
    stages: ['identity', 'normalise', 'limit', 'user', 'validate', 'authorize', 'forward', 'inspect'],
    handshakeReasons: [...handshakeRefusalReasons, 'too-many-connections'],
  };
}

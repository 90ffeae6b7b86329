import { gets } from './requests.ts';
import { closedLoop, type MachineLimits, type Scenario } from './scenario.ts';

const requests = gets();
/** No rule admits the crowd, but who limits does so before it decides, or else admits everybody. */
const crowding = requests.map((request) => ({ ...request, expect: 403 }));

/** Each identity is a certificate to sign and a handshake to make: about 5 ms and 60 KB of the generator. */
const bytesEach = 100_000;

export const identities: Scenario = {
  name: 'identities',
  summary: 'GET over 32 connections after 100 to 100,000 identities have been seen by the rate limiter',
  peers: ['portcullis', 'nginx-limit-log', 'haproxy-limit-log', 'envoy-native'],
  sideBySide: true,
  cases: (limits) => {
    const all = [100, 1000, 10_000, 100_000];
    const counts = limits.isPatient ? all : all.filter((count) => count <= affordable(limits));
    return {
      cases: counts.map((count) => ({
        name: `${count} identities`,
        crowd: count,
        open: async (subject) => {
          const { generator, target, crowd } = subject;
          const theirs = target.kind === 'tls' ? { ...target, credentials: crowd } : target;
          await generator.newConnections(theirs, crowding, { atOnce: 16, requests: count });
          return closedLoop(32, requests)(subject);
        },
      })),
      notes: counts.includes(100_000)
        ? []
        : [`no 100000 identities: their handshakes take minutes on ${limits.cores} cores; --patient has them too`],
    };
  },
};

function affordable({ memoryBytes, cores }: MachineLimits): number {
  return Math.min(memoryBytes / 2 / bytesEach, cores >= 8 ? 100_000 : 10_000);
}

import type { Bench } from '../../../bench/run.ts';
import { type Campaign, fuzz } from '../fuzz.ts';
import { seeded } from '../../harness/random.ts';
import { requestSubject } from '../request-subject.ts';
import { responseSubject } from '../response-subject.ts';
import { nginxVersion } from './nginx.ts';
import { nginxRequests } from './nginx-requests.ts';
import { nginxResponses, undiciResponses } from './responses.ts';

/** Every vector as it is, once through every other parser that is here. */
export async function askPeers(t: Bench): Promise<Campaign> {
  const llhttp = [
    { ...requestSubject(), name: 'requests, llhttp' },
    { ...responseSubject('GET'), name: 'responses, llhttp' },
  ];
  const nginx = nginxVersion() === undefined ? [] : [await nginxRequests(t), await nginxResponses(t)];
  return fuzz([...llhttp, await undiciResponses(t), ...nginx], seeded(1), () => false);
}

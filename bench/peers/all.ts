import { caddy } from './caddy/peer.ts';
import { envoy, envoyNative, envoyOpa, envoyOpaLogging } from './envoy/peer.ts';
import { haproxy, haproxyLimitAndLog } from './haproxy/peer.ts';
import { nginx, nginxLimitAndLog } from './nginx/peer.ts';
import type { Peer } from './peer.ts';
import { plainNode } from './plain-node/peer.ts';
import { portcullis, portcullisBare } from './portcullis/peer.ts';
import { portcullisDataPath } from './portcullis-data-path/peer.ts';

/** Everybody there is to compare with. The first is what a table compares the others with. */
export const allPeers: readonly Peer[] = [
  portcullis,
  portcullisBare,
  portcullisDataPath,
  nginx,
  nginxLimitAndLog,
  haproxy,
  haproxyLimitAndLog,
  envoy,
  envoyNative,
  envoyOpa,
  envoyOpaLogging,
  caddy,
  plainNode,
];

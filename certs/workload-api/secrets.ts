import { packed } from './proto/message.ts';
import {
  type CertificateValidationContextSchema,
  SecretSchema,
  SPIFFECertValidatorConfigSchema,
} from './proto/secret_pb.ts';
import type { HeldSvid, Watcher } from './kept-svid.ts';
import { RefusedCall } from './refused-call.ts';
import { delivery, type ServedSocket } from './served-socket.ts';
import type { ServedTrust } from './served-trust.ts';

/** One secret that an Envoy has asked for by name. */
export type WatchedSecret = {
  readonly resource: () => Promise<ReturnType<typeof packed>>;
  readonly release: () => void;
};

/** Names that SPIRE's agent gives them. */
const defaultSvid = 'default';
const ownBundle = 'ROOTCA';
const everyBundle = 'ALL';

/** Every name of this socket, for who asks without one. */
export function secretNames({ svids, trust }: ServedSocket): readonly string[] {
  return [...svids.map(({ spiffeId }) => spiffeId), `spiffe://${trust.trustDomain}`];
}

/** Throws RefusedCall for a name that this socket may not have. */
export async function watchSecret(
  socket: ServedSocket,
  method: string,
  name: string,
  watcher: Watcher,
): Promise<WatchedSecret> {
  const { svids, trust } = socket;
  if (name === ownBundle || name === everyBundle || name === `spiffe://${trust.trustDomain}`) {
    const release = trust.watch(watcher.changed);
    const context = name === everyBundle ? spiffeValidator : rootsAndLists;
    const resource = async () =>
      packed(SecretSchema, {
        name,
        type: { case: 'validationContext', value: context(trust) },
      });
    return { resource, release };
  }
  const svid = name === defaultSvid ? svids[0] : svids.find(({ spiffeId }) => spiffeId === name);
  if (svid === undefined)
    throw new RefusedCall('PERMISSION_DENIED', `this socket may not have ${JSON.stringify(name)}`);
  const held = await svid.watch(watcher);
  return { resource: () => certificate(socket, method, name, held), release: held.release };
}

async function certificate({ recorded }: ServedSocket, method: string, name: string, { current }: HeldSvid) {
  const svid = current();
  await recorded(delivery(method, svid));
  return packed(SecretSchema, {
    name,
    type: {
      case: 'tlsCertificate',
      value: { certificateChain: inline(svid.chainPem), privateKey: inline(svid.keyPem) },
    },
  });
}

type Context = Parameters<typeof packed<typeof CertificateValidationContextSchema>>[1];

/** Envoy's own validator: any leaf of our roots that is on none of the lists; whom of them, `match_typed_subject_alt_names` says. */
function rootsAndLists({ current }: ServedTrust): Context {
  const { rootsPem, crlsPem } = current();
  return { trustedCa: inline(rootsPem), crl: inline(crlsPem) };
}

/** Envoy's SPIFFE validator, which holds a leaf to the roots of its trust domain, and reads no revocation lists. */
function spiffeValidator({ trustDomain, current, federated }: ServedTrust): Context {
  const domains = [{ trustDomain, rootsPem: [current().rootsPem] }, ...federated()];
  const typedConfig = packed(SPIFFECertValidatorConfigSchema, {
    trustDomains: domains.map(({ trustDomain: name, rootsPem }) => ({ name, trustBundle: inline(rootsPem.join('')) })),
  });
  return { customValidatorConfig: { name: 'envoy.tls.cert_validator.spiffe', typedConfig } };
}

function inline(pem: string) {
  return { specifier: { case: 'inlineBytes', value: Buffer.from(pem) } } as const;
}

import { CertsError } from '../errors.ts';
import { jwtVerifier, namedSubject } from '../jwt-svid.ts';
import { jwtBundle } from '../spiffe-bundle.ts';
import { keepTold } from './keep-told.ts';
import { type Served, single, stream } from './listen.ts';
import { grpcMethod, message } from './proto/message.ts';
import {
  JWTBundlesResponseSchema,
  type JWTSVIDRequest,
  JWTSVIDResponseSchema,
  SpiffeWorkloadAPI,
  ValidateJWTSVIDResponseSchema,
} from './proto/workload_pb.ts';
import { RefusedCall } from './refused-call.ts';
import { requireSecurityHeader } from './security-header.ts';
import type { ServedSocket } from './served-socket.ts';
import type { FederatedAnchors } from './served-trust.ts';

/** The JWT-SVID profile of the SPIFFE Workload API. */
export function jwtMethods(socket: ServedSocket): readonly Served[] {
  const { fetchJWTSVID, fetchJWTBundles, validateJWTSVID } = SpiffeWorkloadAPI.method;
  const { guard, tokens, trust } = socket;
  return [
    single(grpcMethod(fetchJWTSVID), (request, caller) =>
      guard(fetchJWTSVID.name, async () => {
        requireSecurityHeader(caller);
        return message(JWTSVIDResponseSchema, { svids: await signedFor(socket, fetchJWTSVID.name, request) });
      }),
    ),
    single(grpcMethod(validateJWTSVID), ({ audience, svid }, caller) =>
      guard(validateJWTSVID.name, async () => {
        requireSecurityHeader(caller);
        if (audience === '') throw new RefusedCall('INVALID_ARGUMENT', 'audience must be specified');
        const { spiffeId, claims } = await validated(socket, svid, audience);
        return message(ValidateJWTSVIDResponseSchema, { spiffeId, claims });
      }),
    ),
    stream(grpcMethod(fetchJWTBundles), (_, answers) =>
      guard(fetchJWTBundles.name, async () => {
        requireSecurityHeader(answers);
        const { jwks } = await tokens.authority();
        // Our own key stays as long as this process; those of others come and go.
        await keepTold(answers, {
          watch: async ({ changed }) => trust.watch(changed),
          answer: async () => {
            const others = trust.federated().map((one) => [`spiffe://${one.trustDomain}`, jwtBundle(one.jwtKeys)]);
            const texts = Object.entries({ ...Object.fromEntries(others), [`spiffe://${trust.trustDomain}`]: jwks });
            const bundles = Object.fromEntries(texts.map(([domain, text]) => [domain, Buffer.from(String(text))]));
            return message(JWTBundlesResponseSchema, { bundles });
          },
        });
      }),
    ),
  ];
}

const maxAudiences = 16;
const maxAudienceLength = 255;

async function signedFor(
  { svids, tokens, recorded }: ServedSocket,
  method: string,
  { audience, spiffeId: wanted }: JWTSVIDRequest,
) {
  if (audience.length === 0 || audience.length > maxAudiences || !audience.every(isAudience)) {
    const allowed = `1 to ${maxAudiences} of them, of 1 to ${maxAudienceLength} characters`;
    throw new RefusedCall('INVALID_ARGUMENT', `audience must be specified: ${allowed}`);
  }
  const granted = wanted === '' ? svids : svids.filter(({ spiffeId }) => spiffeId === wanted);
  if (granted.length === 0) throw new RefusedCall('PERMISSION_DENIED', 'no such identity for this socket');
  const { sign } = await tokens.authority();
  return Promise.all(
    granted.map(async ({ spiffeId, hint = '' }) => {
      const { lifetimeMs, now } = tokens;
      const { token, jti, notAfterMs } = await sign({ spiffeId, audience, lifetimeMs, nowMs: now() });
      await recorded({ type: 'svid.deliver-jwt', method, spiffeId, audience, jti, notAfterMs });
      return { spiffeId, svid: token, hint };
    }),
  );
}

function isAudience(text: string): boolean {
  return text.length > 0 && text.length <= maxAudienceLength;
}

/** Whose keys are asked, by what the token says of itself; that it is so, its signature says then. */
async function foreignDomain(
  token: string,
  federated: readonly FederatedAnchors[],
): Promise<FederatedAnchors | undefined> {
  if (federated.length === 0) return undefined;
  const subject = await namedSubject(token);
  return federated.find(({ trustDomain }) => subject?.startsWith(`spiffe://${trustDomain}/`));
}

/** Unlike trouble of ours, a token that is not good is the answer to the question. */
async function validated({ tokens, trust }: ServedSocket, token: string, audience: string) {
  const foreign = await foreignDomain(token, trust.federated());
  const verify =
    foreign === undefined ? (await tokens.authority()).verify : jwtVerifier(foreign.jwtKeys, foreign.trustDomain);
  try {
    const { spiffeId, claims } = await verify(token, audience, tokens.now());
    return { spiffeId, claims: JSON.parse(JSON.stringify(claims)) as Record<string, string> };
  } catch (error) {
    if (error instanceof CertsError) throw new RefusedCall('INVALID_ARGUMENT', error.message, { cause: error });
    throw error;
  }
}

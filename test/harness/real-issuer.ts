import Provider from 'oidc-provider';
import { generateKeyPairSync } from 'node:crypto';
import type { RequestListener } from 'node:http';

/** An OpenID provider that is not ours, with one client that gets access tokens for `audience` (RFC 9068) for itself. */
export function realIssuer(issuer: string, audience: string): RequestListener {
  const client = {
    client_id: clientId,
    client_secret: clientSecret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    id_token_signed_response_alg: 'ES256',
  };
  const server = { scope, audience, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'ES256' } } };
  const provider = new Provider(issuer, {
    jwks: { keys: [newKey('first'), newKey('second')] },
    clients: [client],
    ttl: { ClientCredentials: 300 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: true, defaultResource: () => audience, getResourceServerInfo: () => server },
    },
  });
  return provider.callback();
}

const [clientId, clientSecret, scope] = ['web', 'not-a-secret-of-anybody-but-of-this-test', 'orders:read'];

function newKey(kid: string) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
}

/** How its client asks for a token. */
export const tokenRequest = {
  path: '/token',
  headers: {
    'content-type': 'application/x-www-form-urlencoded',
    authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
  },
  body: new URLSearchParams({ grant_type: 'client_credentials', scope }).toString(),
} as const;

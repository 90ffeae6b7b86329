import type { SpiffeId, TrustDomain } from '../certs/spiffe-id.ts';

/** What the proxy knows about one exchange when it asks for a decision. */
export type InputFacts = {
  readonly request: {
    readonly id: string;
    /** Wall clock when the request was accepted, milliseconds since the epoch. */
    readonly timeMs: number;
    readonly method: string;
    /** Path and query exactly as they are forwarded. */
    readonly target: string;
    /** The path of the target, without its query. */
    readonly path: string;
    /** Decoded names and values, in order. */
    readonly query: readonly (readonly [name: string, value: string])[];
    readonly host: string;
    /** As it came from the client; the workload is asked over HTTP/1.1 either way. */
    readonly protocol: HttpProtocol;
    /** What the workload will receive unless policy changes it: name, value, name, value, ...; names in lower case. */
    readonly headers: readonly string[];
  };
  /** The segments of the path, percent-decoded. */
  readonly pathSegments: readonly string[];
  readonly peer: PeerFacts;
  readonly source: Endpoint;
  /** `principal` is this proxy's own SPIFFE ID. */
  readonly destination: Endpoint & { readonly principal: SpiffeId };
  readonly route: {
    readonly name: string;
    readonly template: string;
    readonly parameters: ReadonlyMap<string, string>;
  };
  /** The end user, where the route asks for one and there is one. */
  readonly user?: UserFacts | undefined;
  readonly body: BodyFacts;
  readonly snapshotDigest: string;
  readonly connection: ConnectionFacts;
};

/** As Envoy writes it. */
export type HttpProtocol = 'HTTP/1.1' | 'HTTP/2';

/** Who asks. */
export type PeerFacts = CertificatePeer | PresentedPeer;

export type CertificatePeer = {
  readonly spiffeId: SpiffeId;
  readonly trustDomain: TrustDomain;
  /** The path of the SPIFFE ID, with its leading slash. */
  readonly path: string;
  readonly serial: string;
  readonly fingerprintSha256: string;
  readonly issuer: string;
  readonly notAfterMs: number;
};

/** The subject of a JWT-SVID that a load balancer has presented. */
export type PresentedPeer = Pick<CertificatePeer, 'spiffeId' | 'trustDomain' | 'path' | 'notAfterMs'> & {
  readonly via: CertificatePeer;
};

/** From a token that was verified. */
export type UserFacts = {
  /** What the configuration calls the issuer. */
  readonly issuer: string;
  readonly realm: string;
  readonly subject: string;
  /** Whether only the client whose certificate it names can use the token, and did. */
  readonly certificateBound: boolean;
  /** Whether only who holds its key can use the token, and has proved that he does (DPoP). */
  readonly keyBound: boolean;
  /** All claims, as the issuer signed them. */
  readonly claims: { readonly [name: string]: unknown };
};

export type Endpoint = { readonly ip: string; readonly port: number };

/** Only a validated body is shown to policy: what was not read whole must never look like an empty one. */
export type BodyFacts =
  | { readonly kind: 'none' }
  /** `bytes` is what Content-Length promises, or undefined for a chunked body. */
  | { readonly kind: 'streamed'; readonly bytes: number | undefined; readonly contentType: string | undefined }
  | {
      readonly kind: 'validated';
      readonly bytes: number;
      readonly contentType: string;
      readonly value: unknown;
      /** The bytes, which are valid UTF-8. */
      readonly text: () => string;
    };

export type ConnectionFacts = {
  readonly id: string;
  readonly tlsVersion: string;
  readonly cipher: string;
  readonly openedMs: number;
  /** Which request of its connection this is, from 1. */
  readonly requestNumber: number;
  /** From the ClientHello. */
  readonly serverName: string | undefined;
};

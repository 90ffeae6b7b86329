import type { PresentedCaller } from './caller/caller.ts';
import { type DenialRow, denialCatalogue } from './denial-catalogue.ts';
import type { HeaderList } from './header-list.ts';

export type DenialCode = keyof typeof denialCatalogue;

/** What happened, for the audit record and the trusted caller; what everybody may read is the catalogue's title. */
export type DenialDetail = {
  /** One sentence for the operator. */
  readonly detail?: string;
  /** JSON pointer of the offending part. */
  readonly pointer?: string;
  readonly rule?: string;
  readonly reasons?: readonly string[];
  /** What policy wants to have in the audit record, and nowhere else. */
  readonly notes?: readonly string[];
  /** Headers that this denial adds to the answer, such as Retry-After: name, value, name, value. */
  readonly headers?: HeaderList;
  /** What the client reads instead of the words of the catalogue, where policy gave words of its own. */
  readonly answer?: DenialAnswer;
  /** JSON that policy gave for the audit record. */
  readonly metadata?: string;
  /** Whose JWT-SVID was verified, and refused all the same. */
  readonly caller?: PresentedCaller;
  /** Whose token was verified, and refused all the same. */
  readonly user?: RefusedUser;
};

/** What the record says of an end user who got no further. */
export type RefusedUser = {
  readonly realm: 'internal' | 'federated' | 'external';
  readonly claims: {
    readonly issuer: string;
    readonly subject: string;
    readonly tokenId: string | undefined;
    readonly keyThumbprint: string | undefined;
  };
};

export type DenialAnswer = {
  readonly status: number;
  readonly headers: HeaderList;
  /** Undefined for the words of the catalogue. */
  readonly body: string | undefined;
};

const brand: unique symbol = Symbol('Denial');

/** A refusal. A filter returns one instead of facts; only `deny` makes one, so its code is always in the catalogue. */
export type Denial = DenialDetail & { readonly [brand]: true; readonly code: DenialCode };

export function deny(code: DenialCode, detail: DenialDetail = {}): Denial {
  return Object.freeze({ ...detail, code, [brand]: true as const });
}

export function isDenial(value: object): value is Denial {
  return brand in value;
}

export function denialRow(code: DenialCode): DenialRow {
  return denialCatalogue[code];
}

/** The status that the client is answered with. */
export function denialStatus({ code, answer }: Denial): number {
  return answer?.status ?? denialRow(code).status;
}

export const denialCodes = Object.freeze(Object.keys(denialCatalogue)) as readonly DenialCode[];

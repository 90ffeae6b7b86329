import { type Denial, type DenialCode, deny } from '../denial.ts';

export type UserDenialCode = Extract<DenialCode, `user-token-${string}` | `user-proof-${string}`>;

/** @param detail for the operator; never a value of the token */
export function refuse(code: UserDenialCode, detail: string): Denial {
  return deny(code, { detail });
}

export function malformed(detail: string): Denial {
  return refuse('user-token-malformed', detail);
}

export function unsupported(detail: string): Denial {
  return refuse('user-token-unsupported', detail);
}

import { type Denial, type DenialCode, deny } from '../denial.ts';

export type UserDenialCode = Extract<DenialCode, `user-token-${string}`>;

/** RFC 6750 section 3: the answer says what kind of credential is wanted; where none came, there is no error to name. */
const challenges: Partial<Record<UserDenialCode, string>> = {
  'user-token-missing': 'Bearer',
  'user-token-misplaced': 'Bearer error="invalid_request"',
};

/** @param detail for the operator; never a value of the token */
export function refuse(code: UserDenialCode, detail: string): Denial {
  return deny(code, { detail, headers: ['www-authenticate', challenges[code] ?? 'Bearer error="invalid_token"'] });
}

export function malformed(detail: string): Denial {
  return refuse('user-token-malformed', detail);
}

export function unsupported(detail: string): Denial {
  return refuse('user-token-unsupported', detail);
}

import type { JsonObject } from './bundle/bundle.ts';

/** What a policy said. Only `allow` opens the way; the other two are refusals that are counted apart. */
export type Decision = Allowed | Denied | { readonly kind: 'undecided'; readonly why: string };

export type Allowed = Reasoned & {
  readonly kind: 'allow';
  readonly changes: Changes;
};

export type Denied = Reasoned & {
  readonly kind: 'deny';
  /** What the client is to be told; without it, what whoever enforces the decision tells everybody. */
  readonly answer?: CustomAnswer;
};

type Reasoned = {
  readonly rule: string;
  readonly reasons: readonly string[];
  /** What whoever enforces the decision must do besides; one it does not know must make it refuse. */
  readonly obligations: readonly JsonObject[];
  /** JSON for whoever comes after, here the audit record. */
  readonly metadata?: string;
};

/** What an allowed exchange must be changed by. Which headers a policy may touch is for whoever enforces it to say. */
export type Changes = {
  /** Set on the request, in place of all that a client sent under these names. */
  readonly headers: readonly HeaderLine[];
  readonly removeHeaders: readonly string[];
  readonly query: QueryChanges | undefined;
  /** Added to the answer of the workload. */
  readonly responseHeaders: readonly HeaderLine[];
};

/** Decoded names and values. No name is in both lists. */
export type QueryChanges = {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
};

export type CustomAnswer = {
  /** 300 to 599, and neither 304 nor 305. */
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: string | undefined;
};

/** One header line. The name is a token in lower case, and the value one that may be sent. */
export type HeaderLine = readonly [name: string, value: string];

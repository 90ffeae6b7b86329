/** One row per way in which bytes fail to be JSON that every reader understands alike. */
export const jsonProblems = {
  'byte-order-mark': 'The text begins with a byte order mark, which some readers drop and others refuse.',
  'invalid-utf8': 'The bytes are not UTF-8, which some readers repair.',
  syntax: 'The text is not JSON as RFC 8259 defines it.',
  'too-deep': 'Arrays and objects are nested deeper than allowed.',
  'duplicate-key': 'An object has a member twice; readers differ in which one counts (CVE-2017-12635).',
  'forbidden-key': 'A member is named __proto__, which in many readers changes the object instead of naming a member.',
  'unsafe-number': 'A number loses digits or becomes infinite as an IEEE 754 double.',
  'lone-surrogate': 'A \\u escape is half of a surrogate pair, which is no character and has no UTF-8 form.',
} as const;

export type JsonProblemCode = keyof typeof jsonProblems;

export type JsonProblem = {
  readonly code: JsonProblemCode;
  /** Bytes before the place of the problem. */
  readonly offset: number;
  /** RFC 6901; the nearest enclosing place that is known. */
  readonly pointer: string;
  /** Never holds a part of the document. */
  readonly detail: string;
};

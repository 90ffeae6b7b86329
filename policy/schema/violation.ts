/** Why a value does not match its schema. */
export type SchemaViolation = {
  /** RFC 6901; to the member itself where it is wrong by being there or by being missing. */
  readonly pointer: string;
  readonly keyword: string;
  /** Never holds a value of the document. */
  readonly message: string;
};

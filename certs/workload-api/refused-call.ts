/** What a caller of the Workload API is told when it gets nothing; names of gRPC. */
export type RefusalCode =
  | 'INVALID_ARGUMENT'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL';

/** A call that is answered with a status instead of a message. */
export class RefusedCall extends Error {
  override readonly name = 'RefusedCall';
  readonly code: RefusalCode;

  /** `message` goes to the caller. */
  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

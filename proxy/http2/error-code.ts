/** Why a stream or a connection ends, as the other side is told (RFC 9113 section 7). */
export const errorCodes = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  ENHANCE_YOUR_CALM: 0xb,
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** A connection error (RFC 9113 section 5.4.1): nothing that comes behind it can be believed. */
export type Violation = { readonly is: 'violation'; readonly code: ErrorCode; readonly detail: string };

export function violation(code: ErrorCode, detail: string): Violation {
  return { is: 'violation', code, detail };
}

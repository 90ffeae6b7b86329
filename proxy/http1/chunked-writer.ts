/** What stands around the data of a chunk (RFC 9112 section 7.1). An empty one would be the last. */
export const chunkStart = (data: Buffer): string => `${data.length.toString(16)}\r\n`;

export const chunkEnd = '\r\n';

/** And the end of a trailer section without fields. */
export const lastChunk = '0\r\n\r\n';

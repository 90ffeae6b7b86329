/** Why a block cannot be read (RFC 7541): each of them is a COMPRESSION_ERROR, since the table may be out of step from there on. */
export type Fault =
  | 'a header block that ends within a field'
  | 'an integer that is too large'
  | 'an index that is in no table'
  | 'a Huffman code with EOS in it'
  | 'a Huffman code with bad padding'
  | 'a table size update behind a field'
  | 'a third table size update in one block'
  | 'a table size beyond what was announced';

/** A fault is a string, so what is read beside it must not be one. */
export function isFault<T extends number | object>(read: T | Fault): read is Fault {
  return typeof read === 'string';
}

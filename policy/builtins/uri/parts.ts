/** What a URI says before anything is decoded (RFC 3986 appendix B); `parseUri` of it must have succeeded. */
export type UriParts = {
  /** Undefined without `//`. */
  readonly authority: string | undefined;
  /** Host and port, without a user. */
  readonly host: string;
  readonly path: string;
  /** What follows a scheme without a slash, as in `mailto:someone`; there is no path then. */
  readonly opaque: string;
};

export function uriPartsOf(uri: string): UriParts {
  const [, scheme, authority, path = ''] = /^([^:/?#]+:)?(?:\/\/([^/?#]*))?([^?#]*)/.exec(uri) ?? [];
  const isOpaque = scheme !== undefined && authority === undefined && !path.startsWith('/');
  return {
    authority,
    host: authority?.slice(authority.lastIndexOf('@') + 1) ?? '',
    path: isOpaque ? '' : path,
    opaque: isOpaque ? path : '',
  };
}

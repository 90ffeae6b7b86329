export type Snapshot = { readonly digest: string };

/** What `portcullis bench policy` was asked to measure. All paths are absolute. */
export type Request = {
  readonly what: OwnPolicy | Synthetic;
  readonly engines: readonly Engine[];
  /** The opa that was named; undefined: whichever is on the PATH. */
  readonly opa: string | undefined;
  readonly rounds: number;
  /** `-` is standard output. */
  readonly json: string | undefined;
  readonly html: string | undefined;
};

export type Engine = 'wasm' | 'plan';

export type OwnPolicy = {
  readonly kind: 'own';
  readonly configFile: string;
  readonly from:
    | { readonly kind: 'routes' }
    | { readonly kind: 'input'; readonly file: string }
    | { readonly kind: 'recorded'; readonly path: string };
};

/** A policy of each of these sizes. */
export type Synthetic = { readonly kind: 'synthetic'; readonly sizes: readonly number[] };

/**
 * The part of the WebAssembly API that policies need. TypeScript declares it only together with the whole DOM, which
 * would let browser globals pass unnoticed in server code.
 */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
    static imports(module: Module): { readonly module: string; readonly name: string; readonly kind: string }[];
    static exports(module: Module): { readonly name: string; readonly kind: string }[];
  }
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Record<string, unknown>;
  }
  class Memory {
    constructor(descriptor: { readonly initial: number; readonly maximum: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class LinkError extends Error {}
  class CompileError extends Error {}
  type WebAssemblyInstantiatedSource = { readonly module: Module; readonly instance: Instance };
  type Imports = Record<string, Record<string, unknown>>;
}

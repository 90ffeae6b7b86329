import { readsTime } from '../../policy/builtins/capabilities.ts';
import { findOpa, type Opa, opaModule, type OpaPolicy } from '../peers/opa.ts';
import { opaBench } from '../peers/opa-bench.ts';
import { opaGrpc } from '../peers/opa-grpc.ts';
import { buildOpaLibrary, opaLibrary } from '../peers/opa-library.ts';
import { opaServer } from '../peers/opa-server.ts';
import type { Bench } from '../run.ts';
import { type Subject, Unable } from '../subject.ts';
import type { Case } from './case.ts';
import { openDecider } from './decider-process.ts';

/** What of OPA runs on this machine. */
export type Installed = {
  readonly opa: Opa | undefined;
  /** The program around OPA's Go library, or why there is none. */
  readonly library: { readonly program: string } | { readonly without: string };
};

/** Throws ProxyError when the opa that was named is none. */
export async function installedPeers(named: string | undefined): Promise<Installed> {
  const opa = await findOpa(named);
  const library = await buildOpaLibrary().then(
    (program) => ({ program }),
    (thrown: unknown) => {
      if (thrown instanceof Unable) return { without: thrown.message };
      throw thrown;
    },
  );
  return { opa, library };
}

export const stockName = 'stock SDK';

export type OpenedPeers = { readonly peers: readonly Subject[]; readonly notes: readonly string[] };

/** Opens everybody who can take part, and says of everybody else why not. */
export async function openPeers(t: Bench, of: Case, installed: Installed, folder: string): Promise<OpenedPeers> {
  const timed = of.bundle.requiredBuiltins.find(({ name }) => readsTime(name));
  const skip = timed === undefined ? undefined : `the policy calls ${timed.name}, and peers have a clock of their own`;
  const candidates: readonly (readonly [string, () => Promise<Subject>])[] = [
    [stockName, () => openStock(t, of, installed, folder)],
    ["OPA's Go library", () => openLibrary(t, of, installed, folder)],
    ['OPA over REST', () => openServer(t, of, installed)],
    ['OPA over gRPC', () => openGrpc(t, of, installed)],
  ];
  const peers: Subject[] = [];
  const notes: string[] = [];
  for (const [name, open] of candidates) {
    try {
      if (skip !== undefined) throw new Unable(skip);
      peers.push(await open());
    } catch (thrown) {
      if (!(thrown instanceof Unable)) throw thrown;
      notes.push(`${name} is left out: ${thrown.message}`);
    }
  }
  return { peers, notes };
}

/** With the module of `opa build` where there is an opa, else with ours, which asks its host for some more built-ins. */
async function openStock(t: Bench, of: Case, { opa }: Installed, folder: string): Promise<Subject> {
  const { bundle, settings, forOpa } = of;
  const own = opa === undefined || 'without' in forOpa;
  const wasm = own ? bundle.wasm : await opaModule(opa, forOpa, folder);
  if (wasm.byteLength === 0) throw new Unable('the bundle has no policy.wasm');
  const about = `@open-policy-agent/opa-wasm, module of ${own ? 'this policy' : `opa build ${opa.version}`}, whole input`;
  const opening = { engine: 'stock', bundle: { ...bundle, wasm }, settings, inputs: documents(of) } as const;
  return openDecider(t, { name: stockName, about }, opening);
}

async function openLibrary(t: Bench, of: Case, { opa, library }: Installed, folder: string): Promise<Subject> {
  if ('program' in library) return opaLibrary(t, library.program, opaPolicy(of), documents(of));
  if (opa === undefined) throw new Unable(`${library.without}, and no opa was found`);
  return opaBench(folder, opa, opaPolicy(of), documents(of));
}

async function openGrpc(t: Bench, of: Case, { opa }: Installed): Promise<Subject> {
  const { inputPaths } = of.bundle;
  return opaGrpc(t, required(opa), opaPolicy(of), { inputs: documents(of), inputPaths });
}

async function openServer(t: Bench, of: Case, { opa }: Installed): Promise<Subject> {
  return opaServer(t, required(opa), opaPolicy(of), documents(of));
}

const documents = ({ inputs }: Case): readonly unknown[] => inputs.map(({ input }) => input);

function required(opa: Opa | undefined): Opa {
  if (opa === undefined) throw new Unable('no opa was found; name one with --with opa=PATH');
  return opa;
}

function opaPolicy({ forOpa }: Case): OpaPolicy {
  if ('without' in forOpa) throw new Unable(forOpa.without);
  return forOpa;
}

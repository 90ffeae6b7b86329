import { algorithmChains } from './algorithms.ts';
import type { ClientChain } from './chain.ts';
import { encodingChains, extensionChains } from './encodings.ts';
import { sanChains, spiffeIdChains } from './identities.ts';
import { lifetimeChains } from './lifetimes.ts';
import { nameConstraintChains, orderChains, trustChains } from './paths.ts';
import { issuerChains, usageChains } from './usages.ts';

export const chainGroups: ReadonlyMap<string, readonly ClientChain[]> = new Map([
  ['Subject alternative names', sanChains],
  ['SPIFFE IDs', spiffeIdChains],
  ['Usage of the leaf', usageChains],
  ['Usage of an issuer', issuerChains],
  ['Trust', trustChains],
  ['Order and number', orderChains],
  ['Name constraints', nameConstraintChains],
  ['Lifetimes', lifetimeChains],
  ['Keys and signatures', algorithmChains],
  ['Extensions and versions', extensionChains],
  ['Encodings', encodingChains],
]);

export const allChains: readonly ClientChain[] = [...chainGroups.values()].flat();

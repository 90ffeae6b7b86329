/** A refusal of ours, with the detail that the operator reads. */
export type Refusal = { readonly refused: string; readonly detail: string };

/** Something that we refuse and another parser may take: never unsafe, and yet each with its reason. */
export type RefusalRule = {
  readonly name: string;
  readonly code: string;
  /** Where a code stands for several rules. */
  readonly detail?: RegExp;
  readonly why: string;
};

/** Something that we accept and another parser refuses or reads differently: each has to be argued to be of no use. */
export type DifferenceRule<Accepted> = {
  readonly name: string;
  readonly why: string;
  readonly when: (ours: Accepted) => boolean;
  /** A message for which the two really differ. */
  readonly example: string;
};

export function ruleOf(rules: readonly RefusalRule[], { refused, detail }: Refusal): string | undefined {
  return rules.find((rule) => rule.code === refused && (rule.detail?.test(detail) ?? true))?.name;
}

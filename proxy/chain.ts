import { type Denial, isDenial } from './denial.ts';

/** Reads the facts it names and answers with the facts it adds, or refuses. Synchronous where it can be. */
export type Filter<Needs extends object, Adds extends object> = {
  readonly name: string;
  // A property, not a method: TypeScript compares methods bivariantly, and a wrong order of filters would compile.
  readonly apply: (facts: Needs) => Adds | Denial | Promise<Adds | Denial>;
};

/** What `use` accepts: nothing that is already there may be added again, so a filter cannot stand in the chain twice. */
type Fresh<Facts, Adds> = keyof Facts & keyof Adds extends never ? unknown : never;

type AnyFilter = Filter<never, object>;

/** Told about each stage as it ends, with its duration in milliseconds. */
export type StageObserver = (stage: string, milliseconds: number) => void;

/**
 * A list of filters whose order the compiler has checked. `Start` is what the listener provides; `Facts` is what is
 * known when every filter has agreed.
 */
export class Chain<Start extends object, Facts extends Start> {
  readonly #filters: readonly AnyFilter[];

  private constructor(filters: readonly AnyFilter[]) {
    this.#filters = filters;
  }

  static from<Start extends object>(): Chain<Start, Start> {
    return new Chain([]);
  }

  use<Needs extends object, Adds extends object>(
    filter: Filter<Needs, Adds> & (Facts extends Needs ? unknown : never) & Fresh<Facts, Adds>,
  ): Chain<Start, Facts & Adds> {
    return new Chain([...this.#filters, filter as unknown as AnyFilter]);
  }

  /**
   * Runs the filters in order on `facts`, which gains each filter's facts as they become known, so that whoever holds
   * it (the audit) sees how far the request came. A promise is awaited only where a filter returned one.
   */
  async run(facts: Start, observe: StageObserver, now: () => number): Promise<Facts | Denial> {
    for (const filter of this.#filters) {
      const began = now();
      const answer = filter.apply(facts as never);
      const added = answer instanceof Promise ? await answer : answer;
      observe(filter.name, now() - began);
      if (isDenial(added)) return added;
      Object.assign(facts, added);
    }
    return facts as Facts;
  }
}

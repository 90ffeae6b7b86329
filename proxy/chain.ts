import { type Denial, isDenial } from './denial.ts';

/** Reads the facts it names and answers with the facts it adds, or refuses. Synchronous where it can be. */
export type Filter<Needs extends object, Adds extends object> = {
  readonly name: string;
  // A property, not a method: TypeScript compares methods bivariantly, and a wrong order of filters would compile.
  readonly apply: (facts: Needs) => Adds | Denial | Promise<Adds | Denial>;
  /** Keeps what `apply` gave, member by member: Object.assign asks V8 anew for each, and took a twelfth of all filters' time. */
  readonly add: (facts: Writable<Adds>, added: Adds) => void;
};

type Writable<Facts> = { -readonly [Name in keyof Facts]: Facts[Name] };

/** What `use` accepts: nothing that is already there may be added again, so a filter cannot stand in the chain twice. */
type Fresh<Facts, Adds> = keyof Facts & keyof Adds extends never ? unknown : never;

type AnyFilter = Filter<never, object>;

/** How long each stage takes: told as it ends, in milliseconds of the clock. */
export type StageTiming = {
  readonly now: () => number;
  readonly observe: (stage: string, milliseconds: number) => void;
};

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
   * it (the audit) sees how far the request came. Nothing waits where no filter returned a promise.
   */
  run(facts: Start, timing?: StageTiming): Facts | Denial | Promise<Facts | Denial> {
    return this.#run(0, facts, timing) as Facts | Denial | Promise<Facts | Denial>;
  }

  #run(first: number, facts: Start, timing: StageTiming | undefined): object {
    let began = timing?.now() ?? 0;
    for (let at = first; at < this.#filters.length; at += 1) {
      const { name, apply, add } = this.#filters[at] as AnyFilter;
      const answer = apply(facts as never);
      if (answer instanceof Promise) {
        return answer.then((added) => {
          timing?.observe(name, timing.now() - began);
          if (isDenial(added)) return added;
          add(facts as never, added as never);
          return this.#run(at + 1, facts, timing);
        });
      }
      if (timing !== undefined) {
        const ended = timing.now();
        timing.observe(name, ended - began);
        began = ended;
      }
      if (isDenial(answer)) return answer;
      add(facts as never, answer as never);
    }
    return facts;
  }
}

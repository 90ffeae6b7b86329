/** As many are found faster by looking at each than through a hash, which takes five times longer to make. */
const few = 8;

const none: never[] = [];

/**
 * The members of a set under their keys, in the order in which they came. Most sets of a policy are small and live for one
 * decision, and most members are strings, which are their own keys.
 */
export class Members<Key, Value> {
  /** An array of its own from the first member on: many sets stay empty, and one that is pushed to gets room for 17. */
  private list: Value[] = none;
  /** Undefined as long as every member is its own key. */
  private listOfKeys: Key[] | undefined = undefined;
  /** Undefined as long as there are few. */
  private positions: Map<Key, number> | undefined = undefined;

  get size(): number {
    return this.list.length;
  }

  has(key: Key): boolean {
    return this.positionOf(key) !== -1;
  }

  get(key: Key): Value | undefined {
    const position = this.positionOf(key);
    return position === -1 ? undefined : this.list[position];
  }

  /** For a key that is not there yet. */
  add(key: Key, value: Value): void {
    if ((key as unknown) !== value) this.listOfKeys ??= [...this.keys()];
    this.listOfKeys?.push(key);
    this.positions?.set(key, this.list.length);
    if (this.list === none) this.list = [value];
    else this.list.push(value);
    if (this.list.length === few + 1) this.positions = new Map(this.keys().map((known, position) => [known, position]));
  }

  values(): readonly Value[] {
    return this.list;
  }

  /** In the order of the values. */
  keys(): readonly Key[] {
    return this.listOfKeys ?? (this.list as readonly unknown[] as readonly Key[]);
  }

  private positionOf(key: Key): number {
    return this.positions === undefined ? this.keys().indexOf(key) : (this.positions.get(key) ?? -1);
  }
}

/** What an entry counts beside its name and its value (RFC 7541 section 4.1). */
export const entryOverhead = 32;

const firstPlaces = 16;

/**
 * The fields that the other side has told us to remember (RFC 7541 section 2.3.2). A ring, which has twice as many places when all are taken:
 * most connections use few, and an entry counts at least 32 octets, so the maximum bounds the places too.
 */
export class DynamicTable {
  #names: string[] = Array<string>(firstPlaces).fill('');
  #values: string[] = Array<string>(firstPlaces).fill('');
  /** Where the next entry goes. The number of places is a power of two. */
  #next = 0;
  #count = 0;
  #bytes = 0;
  #maximum: number;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @param age 0 for what came last */
  nameAt(age: number): string | undefined {
    return age < this.#count ? this.#names[this.#placeOf(age)] : undefined;
  }

  valueAt(age: number): string | undefined {
    return age < this.#count ? this.#values[this.#placeOf(age)] : undefined;
  }

  /** Forgets what is beyond it, the oldest first (section 4.3). */
  setMaximum(maximum: number): void {
    this.#maximum = maximum;
    this.#shrinkTo(maximum);
  }

  /**
   * Forgets the oldest until an entry of that size fits; it has to be added then. One that is larger than all of the table
   * empties it and is not added, which is no error (section 4.4).
   */
  makeRoom(size: number): boolean {
    this.#shrinkTo(Math.max(0, this.#maximum - size));
    return size <= this.#maximum;
  }

  /** Behind a `makeRoom` that gave room. */
  add(name: string, value: string): void {
    if (this.#count === this.#names.length) this.#grow();
    this.#names[this.#next] = name;
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) & (this.#names.length - 1);
    this.#count += 1;
    this.#bytes += sizeOf(name, value);
  }

  #placeOf(age: number): number {
    return (this.#next - 1 - age) & (this.#names.length - 1);
  }

  #shrinkTo(bytes: number): void {
    while (this.#bytes > bytes) {
      const oldest = this.#placeOf(this.#count - 1);
      this.#bytes -= sizeOf(this.#names[oldest] as string, this.#values[oldest] as string);
      this.#count -= 1;
      this.#names[oldest] = '';
      this.#values[oldest] = '';
    }
  }

  /** All places are taken, so the oldest is where the next would go. */
  #grow(): void {
    const places = this.#names.length;
    this.#names = inOrder(this.#names, this.#next);
    this.#values = inOrder(this.#values, this.#next);
    this.#next = places;
  }
}

function inOrder(ring: readonly string[], oldest: number): string[] {
  return [...ring.slice(oldest), ...ring.slice(0, oldest), ...Array<string>(ring.length).fill('')];
}

export function sizeOf(name: { readonly length: number }, value: { readonly length: number }): number {
  return name.length + value.length + entryOverhead;
}

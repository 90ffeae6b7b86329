import { initialWindow } from './frame.ts';

/** How much the other side may still send, and when it is told that there is room again (RFC 9113 section 5.2). */
export class ReceiveWindow {
  readonly #size: number;
  readonly #widen: (increment: number) => void;
  #left: number = initialWindow;
  #taken = 0;

  /** @param widen sends the increment */
  constructor(size: number, widen: (increment: number) => void) {
    this.#size = size;
    this.#widen = widen;
    this.#taken = size - initialWindow;
    this.took(0);
  }

  /** @returns false where more came than was allowed */
  arrived(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /** So much of what arrived takes no room here any more. Told by the half: a frame for each piece would be a frame too many. */
  took(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < this.#size / 2) return;
    this.#left += this.#taken;
    this.#widen(this.#taken);
    this.#taken = 0;
  }
}

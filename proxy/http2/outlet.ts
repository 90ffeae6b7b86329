import type { TLSSocket } from 'node:tls';
import type { HeaderList } from '../header-list.ts';
import { headerFrames, initialWindow, largestWindow, maxFrameBytes } from './frame.ts';
import { encodeFields, noDynamicTable } from './hpack/encoder.ts';

const nothing = Buffer.alloc(0);

/** One of the streams that share a connection. */
export type Sender = {
  /** `turn`: it has a head, or an end without DATA, for which there is no window. `room`: it has DATA, and its own window is open. */
  readonly needs: 'turn' | 'room' | undefined;
  /** Sends what it has, with at most one frame of DATA. @returns the bytes of that */
  readonly send: (room: number) => number;
  /** It had to wait and has sent everything since: more may be brought. */
  readonly refill: () => void;
};

function firstOf(senders: ReadonlySet<Sender>): Sender | undefined {
  const [first] = senders;
  return first;
}

/** Everything that leaves a connection, and the window of the connection that all streams share. */
export class Outlet {
  readonly #socket: TLSSocket;
  #window = initialWindow;
  /** Both in the order of their turns. */
  readonly #forTurn = new Set<Sender>();
  readonly #forRoom = new Set<Sender>();
  readonly #dry = new Set<Sender>();
  #corked = false;
  #flowing = false;
  /** That we keep no table is said in front of the first block. */
  #saidBefore: Buffer = noDynamicTable;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
  }

  /** True while the client does not take what it was sent. */
  get blocked(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** What is written in one turn of the event loop leaves together, in one TLS record where it fits. */
  write(bytes: Buffer, sent?: () => void): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    // An error says nothing of who still reads the bytes.
    const written = sent && ((error?: Error | null) => (error === null || error === undefined ? sent() : undefined));
    this.#socket.write(bytes, written);
  }

  fields(streamId: number, fields: HeaderList, endStream: boolean): void {
    const block = Buffer.concat([this.#saidBefore, encodeFields(fields)]);
    this.#saidBefore = nothing;
    this.write(headerFrames(streamId, block, endStream));
  }

  /** The client has room for more. @returns false where that is more than a window can be */
  widen(increment: number): boolean {
    this.#window += increment;
    if (this.#window > largestWindow) return false;
    this.flow();
    return true;
  }

  /** It may have something to send, or room to send it. */
  offer(sender: Sender): void {
    this.#enqueue(sender);
    this.flow();
  }

  withdraw(sender: Sender): void {
    this.#forTurn.delete(sender);
    this.#forRoom.delete(sender);
    this.#dry.delete(sender);
  }

  /** It waits for word that it may bring more. */
  ranDry(sender: Sender): void {
    this.#dry.add(sender);
    this.#refill();
  }

  /** The socket has room again. */
  drained(): void {
    this.flow();
    this.#refill();
  }

  #refill(): void {
    for (let sender = firstOf(this.#dry); sender !== undefined && !this.blocked; sender = firstOf(this.#dry)) {
      this.#dry.delete(sender);
      sender.refill();
    }
  }

  /** True while somebody has data and the client has no room for any. */
  get starved(): boolean {
    return this.#window <= 0 && this.#forRoom.size > 0;
  }

  /** Who waits already keeps its place. */
  #enqueue(sender: Sender): void {
    if (sender.needs !== 'turn') this.#forTurn.delete(sender);
    if (sender.needs === 'turn') this.#forTurn.add(sender);
    if (sender.needs === 'room') this.#forRoom.add(sender);
  }

  /** Goes on as far as the client lets us. Who has sent something may bring more at once: that has its turn in the same loop. */
  flow(): void {
    if (this.#flowing) return;
    this.#flowing = true;
    while (this.#turn());
    this.#flowing = false;
  }

  /** A frame of who has waited longest, so that a large answer does not hold up the others. @returns whether to go on */
  #turn(): boolean {
    if (this.blocked) return false;
    const sender = firstOf(this.#forTurn) ?? (this.#window > 0 ? firstOf(this.#forRoom) : undefined);
    if (sender === undefined) return false;
    this.withdraw(sender);
    this.#window -= sender.send(Math.max(0, Math.min(this.#window, maxFrameBytes)));
    this.#enqueue(sender);
    return true;
  }
}

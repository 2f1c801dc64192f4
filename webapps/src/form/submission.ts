// Sends an order so that it is made once: however often it is tapped, and whatever becomes of the answer.
import { Problem } from "../api/problem";
import type { Generation, OrderBody } from "../api/types";

export interface Pending {
  key: string;
  print: string;
}

/** Answers that are given before an order is looked at: who asks, whether they may, how often. */
const AT_THE_DOOR = new Set([401, 403, 429]);

type Send = (body: OrderBody, key: string) => Promise<Generation>;

/** What an order is told apart from another one by: everything but the price, which may change on the way. */
export function printOf(body: OrderBody): string {
  const { agreed, ...rest } = body;
  return JSON.stringify(rest);
}

export class Submission {
  #running: Promise<Generation> | null = null;

  /**
   * @param pending the order of which nobody knows what became, from a draft.
   * @param keep hears of the key before it is used, and null once the outcome is known.
   */
  constructor(
    private readonly send: Send,
    private pending: Pending | null,
    private readonly keep: (pending: Pending | null) => void,
    private readonly newKey: () => string = () => crypto.randomUUID(),
  ) {}

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Send an order. While one is under way, another tap waits for the same. */
  submit(body: OrderBody): Promise<Generation> {
    this.#running ??= this.#go(body).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #go(body: OrderBody): Promise<Generation> {
    const print = printOf(body);
    const known = this.pending?.print === print ? this.pending : null;
    const pending = known ?? { key: this.newKey(), print };
    this.#keep(pending);
    try {
      const generation = await this.send(body, pending.key);
      this.#keep(null);
      return generation;
    } catch (error) {
      // What was refused was not taken: the next attempt is a new order. What nobody knows keeps its key, also when a
      // repetition was turned away at the door, before anybody looked whether the first attempt had been taken.
      const wasLookedAt = error instanceof Problem && !error.isUncertain && !(known && AT_THE_DOOR.has(error.status));
      if (wasLookedAt) this.#keep(null);
      throw error;
    }
  }

  #keep(pending: Pending | null): void {
    this.pending = pending;
    this.keep(pending);
  }
}

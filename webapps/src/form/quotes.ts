// Asks for prices while a form is filled. Of several questions only the last one's answer counts.
import { Problem } from "../api/problem";
import type { Params, Quote } from "../api/types";

export interface Priced {
  quote: Quote | null;
  problem: Problem | null;
  /** Whether the price is that of what is chosen now. */
  isFresh: boolean;
}

type Ask = (model: string, params: Params, signal: AbortSignal) => Promise<Quote>;

/** Keeps one question under way; a newer one stops it. */
export class Quoter {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked: AbortController | undefined;
  #now: Priced = { quote: null, problem: null, isFresh: false };

  /**
   * @param tell hears every change.
   * @param delay milliseconds of rest before a question is asked.
   */
  constructor(
    private readonly ask: Ask,
    private readonly tell: (priced: Priced) => void,
    private readonly delay = 180,
  ) {}

  /** Ask for the price of these options, at once where `delay` is 0. */
  want(model: string, params: Params, delay = this.delay): void {
    this.stop();
    const keeps = this.#now.quote?.model === model;
    this.#change({ quote: keeps ? this.#now.quote : null, problem: null, isFresh: false });
    const asked = new AbortController();
    this.#asked = asked;
    const go = () => this.#go(model, params, asked.signal);
    if (delay === 0) void go();
    else this.#timer = setTimeout(go, delay);
  }

  /** Forget the question that is under way. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#asked?.abort();
  }

  async #go(model: string, params: Params, signal: AbortSignal): Promise<void> {
    try {
      const quote = await this.ask(model, params, signal);
      if (!signal.aborted) this.#change({ quote, problem: null, isFresh: true });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      this.#change({ ...this.#now, problem: error, isFresh: false });
    }
  }

  #change(priced: Priced): void {
    this.#now = priced;
    this.tell(priced);
  }
}

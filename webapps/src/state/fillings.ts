// Carries what a form is to be filled with from one page to the next.
import type { Repeat } from "../api/types";

type Filling = Pick<Repeat, "prompt" | "params" | "inputs" | "parent" | "continuation" | "source_url">;

const waiting = new Map<string, Filling>();

export const fillings = {
  give(model: string, filling: Filling): void {
    waiting.set(model, filling);
  },
  /** Take it: a form is filled once. */
  take(model: string): Filling | undefined {
    const filling = waiting.get(model);
    waiting.delete(model);
    return filling;
  },
};

// Of several questions for a price only the last one's answer is seen.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../src/api/problem";
import type { Params, Quote } from "../src/api/types";
import { type Priced, Quoter } from "../src/form/quotes";

const quote = (tokens: string): Quote => ({ model: "m", params: {}, tokens, balance: "50.00", missing: "0.00" });

function set() {
  const asked: { params: Params; signal: AbortSignal; answer: (quote: Quote) => void; refuse: (e: unknown) => void }[] =
    [];
  const told: Priced[] = [];
  const quoter = new Quoter(
    (_, params, signal) =>
      new Promise((answer, refuse) => {
        asked.push({ params, signal, answer, refuse });
      }),
    (priced) => told.push(priced),
    100,
  );
  return { asked, told, quoter };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a price", () => {
  it("is asked for once when options change quickly", () => {
    const { asked, quoter } = set();
    for (const n of [1, 2, 3]) quoter.want("m", { n });
    vi.advanceTimersByTime(100);
    expect(asked.map(({ params }) => params)).toEqual([{ n: 3 }]);
  });

  it("is that of the last question, though the first is answered last", async () => {
    const { asked, told, quoter } = set();
    quoter.want("m", { n: 1 }, 0);
    quoter.want("m", { n: 2 }, 0);
    asked[1]?.answer(quote("2.00"));
    asked[0]?.answer(quote("1.00"));
    await vi.runAllTimersAsync();
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(told.at(-1)).toEqual({ quote: quote("2.00"), problem: null, isFresh: true });
  });

  it("stays on screen, marked as old, while the next one is asked for", async () => {
    const { asked, told, quoter } = set();
    quoter.want("m", {}, 0);
    asked[0]?.answer(quote("1.00"));
    await vi.runAllTimersAsync();
    quoter.want("m", { n: 2 });
    expect(told.at(-1)).toEqual({ quote: quote("1.00"), problem: null, isFresh: false });
  });

  it("of another model is not shown for this one", async () => {
    const { asked, told, quoter } = set();
    quoter.want("m", {}, 0);
    asked[0]?.answer(quote("1.00"));
    await vi.runAllTimersAsync();
    quoter.want("other", {});
    expect(told.at(-1)?.quote).toBeNull();
  });

  it("that was refused says why, and keeps the one before", async () => {
    const { asked, told, quoter } = set();
    quoter.want("m", {}, 0);
    asked[0]?.answer(quote("1.00"));
    await vi.runAllTimersAsync();
    quoter.want("m", { n: 2 }, 0);
    asked[1]?.refuse(new Problem("offline"));
    await vi.runAllTimersAsync();
    expect(told.at(-1)).toMatchObject({ quote: quote("1.00"), problem: { code: "offline" }, isFresh: false });
  });

  it("is not heard of any more once the form is left", async () => {
    const { asked, told, quoter } = set();
    quoter.want("m", {}, 0);
    const before = told.length;
    quoter.stop();
    asked[0]?.answer(quote("1.00"));
    await vi.runAllTimersAsync();
    expect(told.length).toBe(before);
  });
});

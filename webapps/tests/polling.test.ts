// Looks again while it is worth it: one look at a time, none while nobody sees the page.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { follow } from "../src/state/polling.svelte";

let stop = () => {};
const hide = (isHidden: boolean) => {
  vi.spyOn(document, "hidden", "get").mockReturnValue(isHidden);
  document.dispatchEvent(new Event("visibilitychange"));
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  stop();
  vi.useRealTimers();
});

describe("following", () => {
  it("looks at once, then after every rest, until there is nothing to see", async () => {
    const answers = [true, true, false, true];
    const look = vi.fn(async () => answers.shift() ?? false);
    stop = follow(look, 1000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(look).toHaveBeenCalledTimes(3);
  });

  it("rests while the page is hidden, and looks at once when it is seen again", async () => {
    const look = vi.fn(async () => true);
    stop = follow(look, 1000);
    await vi.advanceTimersByTimeAsync(10);
    hide(true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(look).toHaveBeenCalledTimes(1);
    hide(false);
    await vi.advanceTimersByTimeAsync(10);
    expect(look).toHaveBeenCalledTimes(2);
  });

  it("never looks twice at once, though the page is hidden and seen meanwhile", async () => {
    const look = vi.fn(() => new Promise<boolean>(() => {}));
    stop = follow(look, 1000);
    hide(true);
    hide(false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(look).toHaveBeenCalledTimes(1);
  });

  it("that is stopped stops the question, and asks no more", async () => {
    const look = vi.fn(async (_signal: AbortSignal) => true);
    stop = follow(look, 1000);
    stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(look).toHaveBeenCalledTimes(1);
    expect(look.mock.calls[0]?.[0].aborted).toBe(true);
  });
});

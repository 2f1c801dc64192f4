// Asks again and again while it is worth it: only while the page is seen, and never two at once.
import { untrack } from "svelte";

/**
 * @param look asks once; false ends it. What it throws is its own to handle.
 * @param every milliseconds between an answer and the next question.
 * @returns what stops it.
 */
export function follow(look: (signal: AbortSignal) => Promise<boolean>, every = 2500): () => void {
  const stopped = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAsking = false;

  async function once(): Promise<void> {
    clearTimeout(timer);
    if (isAsking || stopped.signal.aborted || document.hidden) return;
    isAsking = true;
    // What is looked at on the way is no reason to begin anew.
    const goesOn = await untrack(() => look(stopped.signal)).finally(() => {
      isAsking = false;
    });
    if (!goesOn) stop();
    else if (!stopped.signal.aborted) timer = setTimeout(once, every);
  }

  const seen = () => void once();
  document.addEventListener("visibilitychange", seen);
  function stop(): void {
    stopped.abort();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  }
  void once();
  return stop;
}

// One order is made once, whatever becomes of its answers.
import { describe, expect, it } from "vitest";
import { Problem } from "../src/api/problem";
import type { Generation, OrderBody } from "../src/api/types";
import { type Pending, printOf, Submission } from "../src/form/submission";

const body: OrderBody = { model: "veo", prompt: "a fox", params: {}, inputs: [], agreed: "16.00" };
const made = { run_code: "r1" } as Generation;

function set(answers: (Generation | Error)[], pending: Pending | null = null) {
  const keys: string[] = [];
  const kept: (Pending | null)[] = [];
  let number = 0;
  const submission = new Submission(
    async (_, key) => {
      keys.push(key);
      const answer = answers.shift() ?? made;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    pending,
    (now) => kept.push(now),
    () => `key-${++number}`,
  );
  return { submission, keys, kept };
}

describe("an order", () => {
  it("is sent once for a double tap", async () => {
    const { submission, keys } = set([]);
    const both = await Promise.all([submission.submit(body), submission.submit(body)]);
    expect(both).toEqual([made, made]);
    expect(keys).toEqual(["key-1"]);
  });

  it.each([new Problem("offline"), new Problem("slow"), new Problem("broken", 502)])(
    "keeps its key while nobody knows what became of it: %s",
    async (problem) => {
      const { submission, keys, kept } = set([problem]);
      await expect(submission.submit(body)).rejects.toBe(problem);
      expect(kept.at(-1)?.key).toBe("key-1");
      await submission.submit({ ...body, agreed: "18.00" });
      expect(keys).toEqual(["key-1", "key-1"]);
      expect(kept.at(-1)).toBeNull();
    },
  );

  it.each([401, 403, 429])(
    "keeps the key of an unknown outcome when the repetition is turned away with %d",
    async (status) => {
      const { submission, keys } = set([new Problem("offline"), new Problem("turned_away", status)]);
      await expect(submission.submit(body)).rejects.toThrow();
      await expect(submission.submit(body)).rejects.toThrow();
      await submission.submit(body);
      expect(keys).toEqual(["key-1", "key-1", "key-1"]);
    },
  );

  it("gets a new key after a refusal, and when it is another order", async () => {
    const { submission, keys } = set([new Problem("price_changed", 409), new Problem("offline")]);
    await expect(submission.submit(body)).rejects.toThrow();
    await expect(submission.submit(body)).rejects.toThrow();
    await submission.submit({ ...body, prompt: "a cat" });
    expect(keys).toEqual(["key-1", "key-2", "key-3"]);
  });

  it("goes on with the key of a draft", async () => {
    const { submission, keys } = set([], { key: "kept", print: printOf(body) });
    await submission.submit(body);
    expect(keys).toEqual(["kept"]);
  });

  it("notes its key before it is sent", async () => {
    const { submission, kept } = set([]);
    const sent = submission.submit(body);
    expect(kept).toEqual([{ key: "key-1", print: printOf(body) }]);
    expect(submission.isRunning).toBe(true);
    await sent;
    expect(submission.isRunning).toBe(false);
  });
});

// Drafts belong to a person and a model, and to this version of the app.
import { beforeEach, describe, expect, it } from "vitest";
import { type Draft, Drafts } from "../src/form/drafts";

const draft: Draft = {
  prompt: "лиса 🦊 שלום",
  params: { duration: 8 },
  files: [{ code: "a1", role: "start", mime: "image/jpeg", name: "fox.jpg", seconds: 0 }],
  pending: { key: "key-0001", print: "{}" },
};
const EMPTY: Draft = { prompt: "  ", params: {}, files: [] };

beforeEach(() => localStorage.clear());

describe("a draft", () => {
  it("comes back as it was", () => {
    new Drafts(localStorage, "7").write("veo", draft);
    expect(new Drafts(localStorage, "7").read("veo")).toEqual(draft);
  });

  it("is never shown to another person, nor for another model", () => {
    new Drafts(localStorage, "7").write("veo", draft);
    expect(new Drafts(localStorage, "70").read("veo")).toBeNull();
    expect(new Drafts(localStorage, "7").read("kling")).toBeNull();
  });

  it("of nobody in particular is not kept", () => {
    new Drafts(localStorage, "").write("veo", draft);
    expect(localStorage.length).toBe(0);
  });

  it("with nothing in it is forgotten", () => {
    const drafts = new Drafts(localStorage, "7");
    drafts.write("veo", draft);
    drafts.write("veo", EMPTY);
    expect(localStorage.length).toBe(0);
  });

  it("whose order was sent is kept though its fields are empty", () => {
    const drafts = new Drafts(localStorage, "7");
    drafts.write("veo", { ...EMPTY, pending: { key: "key-0001", print: "{}" } });
    expect(drafts.read("veo")?.pending?.key).toBe("key-0001");
  });

  it.each(["", "{", "null", '{"v":0,"at":1}', '{"v":1,"at":9e15,"prompt":5,"files":[],"params":{}}'])(
    "that is %j is none",
    (text) => {
      localStorage.setItem("nb:draft:7:veo", text);
      expect(new Drafts(localStorage, "7").read("veo")).toBeNull();
    },
  );

  it("is too old after thirty days", () => {
    const start = Date.UTC(2026, 10, 22);
    let now = start;
    const drafts = new Drafts(localStorage, "7", () => now);
    drafts.write("veo", draft);
    now = start + 29 * 24 * 3600 * 1000;
    expect(drafts.read("veo")).not.toBeNull();
    now = start + 31 * 24 * 3600 * 1000;
    expect(drafts.read("veo")).toBeNull();
  });

  it("pushes out the oldest of more than thirty", () => {
    let now = 0;
    const drafts = new Drafts(localStorage, "7", () => ++now);
    for (let n = 0; n < 33; n++) drafts.write(`model-${n}`, draft);
    expect(drafts.read("model-0")).toBeNull();
    expect(drafts.read("model-32")).toEqual(draft);
    expect(localStorage.length).toBe(30);
  });

  it("that has no room is not kept, and nothing breaks", () => {
    const full = {
      ...localStorage,
      setItem: () => {
        throw new DOMException("full", "QuotaExceededError");
      },
    };
    expect(() => new Drafts(full as unknown as Storage, "7").write("veo", draft)).not.toThrow();
    expect(() => new Drafts(null, "7").read("veo")).not.toThrow();
  });
});

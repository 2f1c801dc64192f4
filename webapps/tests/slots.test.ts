// Which files go together: the rules of docs/catalogue.md, on the models that have them.
import { describe, expect, it } from "vitest";
import { closedBy, complaints, demandedBy, isShown, mostOf } from "../src/form/slots";
import { model } from "./models";

const slot = (slug: string, role: string) => {
  const found = model(slug).inputs.find((one) => one.role === role);
  if (!found) throw new Error(`${slug} has no slot ${role}`);
  return found;
};

describe("a slot", () => {
  it("is closed until what it needs is there", () => {
    const { inputs } = model("veo3-fast");
    expect(closedBy(slot("veo3-fast", "end"), {}, inputs)).toEqual({ kind: "needs", role: "end", other: "start" });
    expect(closedBy(slot("veo3-fast", "end"), { start: 1 }, inputs)).toBeNull();
  });

  it("is closed by what it excludes, whichever of both says so", () => {
    const { inputs } = model("veo3-fast");
    expect(closedBy(slot("veo3-fast", "reference"), { start: 1 }, inputs)).toMatchObject({ kind: "excludes" });
    expect(closedBy(slot("veo3-fast", "start"), { reference: 2 }, inputs)).toMatchObject({ other: "reference" });
  });

  it("takes fewer beside a video", () => {
    expect(mostOf(slot("kling_O1", "reference"), {})).toBe(7);
    expect(mostOf(slot("kling_O1", "reference"), { video: 1 })).toBe(4);
  });
});

describe("complaints", () => {
  it("name what is missing", () => {
    expect(complaints(model("runway_gen4"), {}, {})).toEqual([{ kind: "missing", role: "start", least: 1 }]);
    expect(complaints(model("runway_gen4"), { start: 1 }, {})).toEqual([]);
  });

  it("name an end that lost its start", () => {
    expect(complaints(model("kling-v2-6"), { end: 1 }, { mode: "pro", sound: false })).toEqual([
      { kind: "needs", role: "end", other: "start" },
    ]);
  });

  it("name options that a file needs", () => {
    const found = complaints(model("kling-v2-6"), { start: 1, end: 1 }, { mode: "std", sound: false });
    expect(found).toEqual([{ kind: "requires", role: "end", option: "mode", values: ["pro"] }]);
  });

  it("name references that are too many beside a video", () => {
    expect(complaints(model("kling_O1"), { reference: 5, video: 1 }, {})).toMatchObject([
      { kind: "too_many", most: 4 },
    ]);
  });

  it("do not count a mask among the pictures", () => {
    const gpt = model("gpt-image-1");
    expect(complaints(gpt, { image: gpt.max_input_images, mask: 1 }, {})).toEqual([]);
  });

  it("count pictures of all slots together", () => {
    const narrow = { ...model("veo3-fast"), max_input_images: 1 };
    expect(complaints(narrow, { start: 1, end: 1 }, {})).toContainEqual({ kind: "too_many_images", most: 1 });
  });
});

it("values that several slots demand are those that suit all of them", () => {
  const base = slot("veo3-fast", "start");
  const slots = [
    { ...base, role: "start" as const, requires: { duration: [4, 8] } },
    { ...base, role: "end" as const, requires: { duration: [8] } },
  ];
  expect(demandedBy(slots, { start: 1, end: 1 })).toEqual({ duration: [8] });
  expect(demandedBy(slots, { start: 1 })).toEqual({ duration: [4, 8] });
});

it("an option that a photo decides is not shown beside one", () => {
  const format = model("kling-v2-6").params.properties?.aspect_ratio ?? {};
  expect(isShown(format, {})).toBe(true);
  expect(isShown(format, { start: 1 })).toBe(false);
});

// Which page an address opens, and which models belong to it.
import { describe, expect, it } from "vitest";
import { entryOf, familyOf } from "../src/state/entry";
import { MODELS } from "./models";

const models = MODELS.map(({ model }) => model);

describe("an address", () => {
  it.each([
    ["/webapps/", "", "", { page: "models" }],
    ["/webapps/history/", "", "", { page: "history" }],
    ["/webapps/topup/", "", "", { page: "topup" }],
    ["/webapps/veo/", "", "", { page: "model", slug: "", family: "veo" }],
    ["/webapps/", "?model=kling_O1", "", { page: "model", slug: "kling_O1", family: "" }],
    ["/webapps/kling/", "?model=kling_O1", "", { page: "model", slug: "kling_O1", family: "kling" }],
    ["/webapps/", "", "runway_gen4", { page: "model", slug: "runway_gen4", family: "" }],
    ["/webapps/", "", "topup", { page: "topup" }],
    ["/webapps/", "", "ref_REF12345", { page: "models" }],
    ["/webapps/veo/", "", "ref_REF12345", { page: "model", slug: "", family: "veo" }],
    ["/", "", "", { page: "models" }],
  ])("%s%s with start %j", (path, search, start, expected) => {
    expect(entryOf(path, search, start)).toEqual(expected);
  });
});

describe("the pages of the regulation", () => {
  const pages = ["veo", "sora2", "kling", "midjourney", "midjourney_video", "gpt-image", "runway", "runway_aleph"];

  it.each([...pages, "nanobanana", "nano-banana", "kling-o1", "kling-v2-6"])("%s has models", (page) => {
    expect(familyOf(models, page).length).toBeGreaterThan(0);
  });

  it("hold what their name says", () => {
    const slugs = (page: string) => familyOf(models, page).map(({ slug }) => slug);
    expect(slugs("midjourney_video")).toEqual(["midjourney-video"]);
    expect(slugs("runway_aleph")).toEqual(["runway_aleph"]);
    expect(slugs("runway")).toEqual(["runway_gen4", "runway_aleph"]);
    expect(slugs("nanobanana")[0]).toBe("nano-banana");
  });

  it("of no family have none", () => {
    expect(familyOf(models, "")).toEqual([]);
    expect(familyOf(models, "unheard-of")).toEqual([]);
  });
});

// The form judges options as the server does: the cases of the fixture were judged by the server's own validator.
import { describe, expect, it } from "vitest";
import type { Params, Schema, Value } from "../src/api/types";
import { choicesOf, fits, optionsOf, settle, withDefaults } from "../src/form/schema";
import { labelOf, nameOf, shapeOf, stepOf, widgetOf } from "../src/form/widgets";
import { MODELS, model } from "./models";

describe.each(MODELS)("the form of $model.slug", ({ model: { params: schema }, cases }) => {
  it("fills up what was left out as the server does", () => {
    for (const { params, filled } of cases) expect(withDefaults(schema, params)).toEqual(filled);
  });

  it("judges what goes together as the server does", () => {
    for (const { filled, valid } of cases) expect(fits(schema, filled), JSON.stringify(filled)).toBe(valid);
  });

  it("brings any choice to options that go together, and leaves that choice alone", () => {
    for (const { params } of cases) {
      for (const [name, value] of Object.entries(params)) {
        const settled = settle(schema, params, [name]);
        expect(fits(schema, withDefaults(schema, settled)), JSON.stringify({ params, name })).toBe(true);
        expect(settled[name]).toBe(value);
      }
    }
  });

  it("changes nothing where everything goes together", () => {
    for (const { params, valid } of cases) if (valid) expect(settle(schema, params, [])).toEqual(params);
  });

  it("draws every option with a control that can show it, and names it in both languages", () => {
    for (const [name, option] of optionsOf(schema)) {
      const widget = widgetOf(option);
      if (["segments", "select"].includes(widget)) expect(choicesOf(option).length).toBeGreaterThan(0);
      if (["slider", "stepper"].includes(widget)) expect([option.minimum, option.maximum]).not.toContain(undefined);
      for (const language of ["ru", "en"] as const) {
        expect(labelOf(name, option, language)).not.toBe("");
        for (const value of choicesOf(option)) expect(nameOf(option, value, language)).not.toBe("");
      }
    }
  });
});

describe("conditions", () => {
  it("bring eight seconds with 1080p", () => {
    const chosen = settle(model("veo3-fast").params, { duration: 4, resolution: "1080p" }, ["resolution"]);
    expect(withDefaults(model("veo3-fast").params, chosen)).toMatchObject({ duration: 8, resolution: "1080p" });
  });

  it("take 1080p away again when a shorter film is chosen after it", () => {
    const chosen = settle(model("veo3-fast").params, { duration: 4, resolution: "1080p" }, ["duration"]);
    expect(chosen).toMatchObject({ duration: 4, resolution: "720p" });
  });

  it("bring the quality that sound needs", () => {
    expect(withDefaults(model("kling-v2-6").params, { sound: true })).toMatchObject({ mode: "pro" });
  });

  it("keep a quality that was chosen, which then does not fit", () => {
    const filled = withDefaults(model("kling-v2-6").params, { sound: true, mode: "std" });
    expect(filled.mode).toBe("std");
    expect(fits(model("kling-v2-6").params, filled)).toBe(false);
  });

  const nested: Schema = {
    properties: { a: { enum: ["x", "y"], default: "x" }, b: { type: "integer", minimum: 1, maximum: 9, default: 2 } },
    allOf: [
      // biome-ignore lint/suspicious/noThenProperty: that is what JSON Schema calls it.
      { if: { properties: { a: { const: "y" } } }, then: { properties: { b: { minimum: 5, default: 6 } } } },
      { if: { properties: { b: { minimum: 6 } } }, else: { properties: { a: { not: { const: "z" } } } } },
    ],
  };

  it("may stand in allOf, with else and not", () => {
    expect(withDefaults(nested, { a: "y" })).toEqual({ a: "y", b: 6 });
    expect(fits(nested, { a: "y", b: 4 })).toBe(false);
    expect(settle(nested, { a: "y", b: 3 }, ["a"])).toEqual({ a: "y", b: 5 });
  });
});

describe("values that filled slots demand", () => {
  it("are chosen for the person", () => {
    const chosen = settle(model("kling-v2-5-turbo").params, {}, [], { mode: ["pro"] });
    expect(chosen).toEqual({ mode: "pro" });
  });

  it("go before what was chosen", () => {
    const chosen = settle(model("kling-v2-6").params, { sound: true }, [], { mode: ["pro"], sound: [false] });
    expect(withDefaults(model("kling-v2-6").params, chosen)).toMatchObject({ mode: "pro", sound: false });
  });
});

describe("fits", () => {
  it.each<[Schema, unknown, boolean]>([
    [{ type: "integer" }, 3, true],
    [{ type: "integer" }, 3.5, false],
    [{ type: "integer", multipleOf: 5 }, 15, true],
    [{ type: "number", multipleOf: 0.1 }, 0.3, true],
    [{ type: "number", multipleOf: 0.1 }, 0.35, false],
    [{ exclusiveMinimum: 0 }, 0, false],
    [{ exclusiveMaximum: 1 }, 1, false],
    [{ type: "string", maxLength: 2 }, "🦊🦊", true],
    [{ type: "string", minLength: 3 }, "🦊🦊", false],
    [{ type: "string", pattern: "^a+$" }, "aab", false],
    [{ const: true }, true, true],
    [{ const: true }, 1, false],
    [{ anyOf: [{ const: 1 }, { const: 2 }] }, 2, true],
    [{ oneOf: [{ minimum: 1 }, { minimum: 2 }] }, 3, false],
    [{ type: "object", required: ["a"] }, {}, false],
    [{ type: "object" }, [], false],
  ])("judges %j of %j as %s", (schema, value, expected) => {
    expect(fits(schema, value)).toBe(expected);
  });
});

describe("controls", () => {
  const names = (option: Schema) => widgetOf(option);

  it("follow the catalogue's wish where they can", () => {
    expect(names({ enum: ["a", "b"], "x-widget": "select" })).toBe("select");
    expect(names({ type: "boolean", "x-widget": "switch" })).toBe("switch");
    expect(names({ type: "integer", minimum: 0, maximum: 5, "x-widget": "slider" })).toBe("slider");
  });

  it("suit the option where the wish cannot be followed", () => {
    expect(names({ type: "string", "x-widget": "slider" })).toBe("text");
    expect(names({ type: "integer", minimum: 0, maximum: 1000, multipleOf: 10 })).toBe("slider");
    expect(names({ type: "integer", minimum: 1, maximum: 4 })).toBe("stepper");
    expect(names({ enum: Array.from({ length: 20 }, (_, at) => at) })).toBe("select");
  });

  it("know shapes from other words, and the step of a number", () => {
    expect(shapeOf("16:9")).toEqual([16, 9]);
    expect(shapeOf("1080p")).toBeNull();
    expect(stepOf({ type: "number", minimum: 0, maximum: 1 })).toBeCloseTo(0.01);
  });

  it("name values by their labels, with a capital letter", () => {
    const option = { enum: ["std"] as Value[], "x-labels": { std: { ru: "обычное", en: "standard" } } };
    expect(nameOf(option, "std", "ru")).toBe("Обычное");
    expect(nameOf({ enum: [1000] }, 1000, "en")).toBe("1,000");
  });

  it("stand in the order that the author gave them", () => {
    const schema: Schema = { "x-order": ["b"], properties: { a: {}, b: {}, c: {} } };
    expect(optionsOf(schema).map(([name]) => name)).toEqual(["b", "a", "c"]);
  });
});

it("no model of the catalogue is known by name in the sources", async () => {
  const sources = import.meta.glob("../src/**/*.{ts,svelte}", { query: "?raw", import: "default", eager: true });
  const text = Object.values(sources).join("\n");
  const known = MODELS.map(({ model: { slug } }) => slug).filter((slug) => text.includes(`"${slug}"`));
  expect(known).toEqual([]);
  const none: Params = {};
  expect(none).toEqual({});
});

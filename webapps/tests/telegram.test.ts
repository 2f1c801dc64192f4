// What the client tells: the launch, the theme and its events. Nothing of it is believed unseen.
import { describe, expect, it, vi } from "vitest";
import { hear, on } from "../src/telegram/bridge";
import { invoiceIn } from "../src/telegram/client.svelte";
import { colours, isAtLeast, readLaunch } from "../src/telegram/launch";
import { contrast, paletteOf, readable, SHAPE, TEXT } from "../src/telegram/theme";

const user = JSON.stringify({ id: 7, first_name: "Аня", language_code: "ru" });
const initData = new URLSearchParams({ user, auth_date: "1", start_param: "veo3-fast", hash: "x" }).toString();
const fragment = new URLSearchParams({
  tgWebAppData: initData,
  tgWebAppVersion: "9.1",
  tgWebAppPlatform: "ios",
  tgWebAppThemeParams: JSON.stringify({ bg_color: "#000000", text_color: "url(x)" }),
}).toString();

describe("the launch", () => {
  it("is read from the fragment, init data as it is", () => {
    const launch = readLaunch(`#${fragment}`);
    expect(launch).toMatchObject({ initData, userId: "7", language: "ru", startParam: "veo3-fast", version: "9.1" });
    expect(launch.theme).toEqual({ bg_color: "#000000" });
  });

  it("is found behind a fragment of the page's own", () => {
    expect(readLaunch(`#/page?${fragment}`).userId).toBe("7");
    expect(readLaunch(`#x=1&${fragment}`).userId).toBe("7");
  });

  it.each(["", "#", "#veo", "#tgWebAppData=%zz", "#tgWebAppData=user%3D%7B&tgWebAppThemeParams=5"])(
    "of %j is that of nobody",
    (hash) => {
      expect(readLaunch(hash)).toMatchObject({ userId: "", theme: {} });
    },
  );

  it("knows older clients from newer ones", () => {
    expect(isAtLeast("7.10", "7.9")).toBe(true);
    expect(isAtLeast("6.2", "7.0")).toBe(false);
    expect(isAtLeast("", "6.0")).toBe(false);
  });

  it("takes colours for colours only", () => {
    expect(colours({ a: "#abcdef", b: "red", c: 5, d: "#abc" })).toEqual({ a: "#abcdef" });
  });
});

const THEMES: Record<string, Record<string, string>> = {
  "none at all": {},
  "white on white": { bg_color: "#ffffff", text_color: "#ffffff", hint_color: "#fefefe", link_color: "#ffff00" },
  "black on black": {
    bg_color: "#000000",
    secondary_bg_color: "#000000",
    text_color: "#000000",
    button_color: "#111111",
  },
  "a middle grey": { bg_color: "#777777", secondary_bg_color: "#808080", text_color: "#888888", hint_color: "#777777" },
  "yellow buttons": { bg_color: "#ffffff", button_color: "#ffee00", button_text_color: "#ffffff" },
  "pink hints": { bg_color: "#fff0f5", secondary_bg_color: "#ffe4ec", hint_color: "#ffc0cb", link_color: "#ff69b4" },
  "one ground for all": { bg_color: "#17212b", secondary_bg_color: "#17212b", section_bg_color: "#17212b" },
};

describe.each(Object.entries(THEMES))("a theme with %s", (_, theme) => {
  it.each([false, true])("is readable, dark by the system: %s", (prefersDark) => {
    const p = paletteOf(theme, prefersDark);
    for (const ground of [p.page, p.card, p.fill]) {
      for (const text of [p.text, p.hint, p.accent, p.danger, p.good]) {
        // The best that a middle grey allows is a little more than 4.5.
        expect(contrast(text, ground), `${text} on ${ground}`).toBeGreaterThanOrEqual(TEXT - 0.6);
      }
    }
    expect(contrast(p.buttonText, p.button)).toBeGreaterThanOrEqual(TEXT);
    expect(contrast(p.chosenText, p.chosen)).toBeGreaterThanOrEqual(TEXT);
    expect(contrast(p.edge, p.card)).toBeGreaterThanOrEqual(SHAPE);
    expect(p.card).not.toBe(p.page);
  });
});

it("a colour that is readable stays as it is", () => {
  expect(readable("#1b72c4", ["#ffffff"], TEXT)).toBe("#1b72c4");
  expect(contrast(readable("#bbbbbb", ["#ffffff"], TEXT), "#ffffff")).toBeGreaterThanOrEqual(TEXT);
});

describe("events", () => {
  it("are believed from the window around the page only", () => {
    const seen = vi.fn();
    const stop = on("back_button_pressed", seen);
    const data = JSON.stringify({ eventType: "back_button_pressed" });
    hear({ data, source: {} as Window });
    expect(seen).not.toHaveBeenCalled();
    hear({ data, source: window.parent });
    expect(seen).toHaveBeenCalledOnce();
    stop();
    hear({ data, source: window.parent });
    expect(seen).toHaveBeenCalledOnce();
  });

  it.each(["", "{", "5", "null", '{"eventType":5}', 7])("that are %j are left alone", (data) => {
    expect(() => hear({ data, source: window.parent })).not.toThrow();
  });
});

it("finds the invoice in both forms of its link", () => {
  expect(invoiceIn("https://t.me/$AbC-1_2")).toBe("AbC-1_2");
  expect(invoiceIn("https://t.me/invoice/AbC")).toBe("AbC");
  expect(invoiceIn("https://pay.example/$AbC")).toBeNull();
});

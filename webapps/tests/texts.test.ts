// Both languages say the same, and there are words for everything that the service can refuse.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Problem } from "../src/api/problem";
import { en } from "../src/texts/en";
import { iconOf, megabytes, moment, money, stretch, tokens } from "../src/texts/format";
import { languageFor, wordsFor } from "../src/texts/index.svelte";
import { ru } from "../src/texts/ru";

const read = (path: string) => readFileSync(join(import.meta.dirname, "..", "..", path), "utf8");
const document = read("docs/app-api.md");
const uploads = read("core/http/app/uploads.py");
const failures = read("bot/locales/ru/progress.ftl");

function leaves(value: object, path = ""): string[] {
  return Object.entries(value).flatMap(([name, part]) =>
    typeof part === "object" && part !== null
      ? leaves(part, `${path}${name}.`)
      : [`${path}${name}:${typeof part}${typeof part === "function" ? part.length : ""}`],
  );
}

describe("the catalogues", () => {
  it("have the same texts with the same blanks", () => {
    expect(leaves(ru).sort()).toEqual(leaves(en).sort());
  });

  it.each([
    ["ru", ru],
    ["en", en],
  ] as const)("say something everywhere in %s, and in its own letters", (language, texts) => {
    const said = Object.entries(texts).filter(([, text]) => typeof text === "string");
    for (const [name, text] of said) {
      expect(text, name).not.toBe("");
      expect(/[а-яё]/i.test(text as string), `${name}: ${text}`).toBe(language === "ru");
    }
  });
});

describe("every code of docs/app-api.md", () => {
  const table = document.slice(document.indexOf("## Errors"));
  const codes = [...table.matchAll(/^\| [\d, ]+ \| (.+) \|$/gm)].flatMap(([, cell = ""]) => {
    // Names in brackets are what comes with a code.
    const outside = cell.replace(/\([^)]*\)|;.*/g, "");
    return [...outside.matchAll(/`([a-z_]+)`/g)].map(([, code = ""]) => code);
  });

  it("is found in its table", () => {
    expect(codes.length).toBeGreaterThan(40);
    expect(codes).toContain("price_changed");
  });

  it.each(codes)("%s has words in both languages", (code) => {
    const facts = { missing: "", price: "", limit: "", seconds: "" };
    expect(ru.problems[code]?.(facts)).toBeTruthy();
    expect(en.problems[code]?.(facts)).toBeTruthy();
  });

  it("of uploads has words, too", () => {
    const named = [...uploads.matchAll(/^ {4}"([a-z_]+)":|code="([a-z_]+)"/gm)].map(([, a, b]) => a ?? b ?? "");
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((code) => !ru.problems[code])).toEqual([]);
  });
});

it("every failure that the bot has words for has some here", () => {
  const named = [...failures.matchAll(/^failure-([a-z_]+)/gm)].map(([, code = ""]) => code);
  expect(named.filter((code) => !ru.failures[code])).toEqual([]);
});

describe("a problem", () => {
  it("says its numbers", () => {
    expect(wordsFor(new Problem("prompt_too_long", 422, { limit: 2500 }), en)).toContain("2500");
    expect(wordsFor(new Problem("insufficient_tokens", 402, { missing: "6.50" }), ru)).toContain("6,50\u00a0⚡");
    expect(wordsFor(new Problem("cooldown_active", 429, { seconds: 30 }), en)).toContain("30 sec");
  });

  it("that nobody knows is said to be ours", () => {
    expect(wordsFor(new Problem("never_heard_of", 500), en)).toBe(en.problems.broken?.({} as never));
    expect(wordsFor(new Problem("never_heard_of", 503), en)).toBe(en.problems.unavailable?.({} as never));
  });
});

/** Numbers and their units are not torn apart at the end of a line; that is left aside here. */
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

describe("formats", () => {
  it.each([
    ["16.00", "ru", "16 ⚡"],
    ["0.80", "ru", "0,80 ⚡"],
    ["1000.00", "en", "1,000 ⚡"],
    ["2.5", "en", "2.50 ⚡"],
    [48.4, "ru", "48,40 ⚡"],
  ] as const)("%s tokens in %s are %s", (amount, language, expected) => {
    expect(plain(tokens(amount, language))).toBe(expected);
  });

  it("write money as its currency is written", () => {
    expect(plain(money("385", "XTR", "ru"))).toBe("385 ⭐");
    expect(money("5.00", "USD", "en")).toBe("$5.00");
  });

  it("say time and size shortly", () => {
    expect(stretch(45, "en")).toBe("45 sec");
    expect(plain(stretch(180, "ru"))).toBe("3 мин");
    expect(megabytes(20 * 1048576, "en")).toBe("20 MB");
    expect(moment("2026-11-22T10:00:00Z", "en")).toContain("Nov 22");
  });

  it.each([
    ["🍌 Nano Banana", "🍌", "Nano Banana"],
    ["🖼️ GPT Image", "🖼️", "GPT Image"],
    ["🎞️ Runway", "🎞️", "Runway"],
    ["Plain 2", "✨", "Plain 2"],
    ["", "✨", ""],
  ])("take the icon from %s", (name, icon, rest) => {
    expect(iconOf(name)).toEqual([icon, rest]);
  });
});

it("speaks as the bot does to speakers of a language", () => {
  expect(["", "ru", "uk", "KK-kz"].map(languageFor)).toEqual(["ru", "ru", "ru", "ru"]);
  expect(["en", "de", "pt-br"].map(languageFor)).toEqual(["en", "en", "en"]);
});

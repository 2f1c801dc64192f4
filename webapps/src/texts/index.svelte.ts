// The words in the person's language: Telegram's until the account says which.
import type { Problem } from "../api/problem";
import type { Language } from "../api/types";
import { launch } from "../telegram/client.svelte";
import { en } from "./en";
import { ru } from "./ru";
import type { Texts } from "./texts";

const CATALOGUES: Record<Language, Texts> = { ru, en };
const RUSSIAN_SPEAKERS = ["ru", "uk", "be", "kk", "ky", "uz", "tg", "hy", "az", "ka"];

/** Our language for one of Telegram's codes, as the bot chooses it. */
export function languageFor(code: string): Language {
  return !code || RUSSIAN_SPEAKERS.includes(code.toLowerCase().split("-")[0] ?? "") ? "ru" : "en";
}

class Speech {
  language = $state<Language>(languageFor(launch.language || navigator.language));
  readonly texts = $derived(CATALOGUES[this.language]);
}

export const speech = new Speech();

/** Speak a language from now on. */
export function speak(language: Language): void {
  speech.language = language;
  document.documentElement.lang = language;
}

/** What a problem means for a person, and what to do. */
export function wordsFor(problem: Problem, texts: Texts = speech.texts): string {
  const [missing, price, limit, seconds] = ["missing", "price", "limit", "seconds"].map((name) => problem.text(name));
  const facts = { missing: missing ?? "", price: price ?? "", limit: limit ?? "", seconds: seconds ?? "" };
  const known = texts.problems[problem.code] ?? (problem.status === 503 ? texts.problems.unavailable : null);
  return (known ?? texts.problems.broken)?.(facts) ?? problem.code;
}

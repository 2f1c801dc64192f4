// Numbers, times and amounts in the words of a language.
import type { Language } from "../api/types";

const NBSP = "\u00a0";

/** Tokens as people know them: 16 ⚡, 0,80 ⚡. */
export function tokens(amount: string | number, language: Language): string {
  const value = Number(amount);
  const digits = Number.isInteger(value) ? 0 : 2;
  const format = new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: 2 });
  return `${format.format(value)}${NBSP}⚡`;
}

/** Money: 385 ⭐ for Telegram Stars, else as the currency is written. */
export function money(amount: string, currency: string, language: Language): string {
  if (currency === "XTR") return `${new Intl.NumberFormat(language).format(Number(amount))}${NBSP}⭐`;
  return new Intl.NumberFormat(language, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(
    Number(amount),
  );
}

/** A stretch of time, as short as it can be said: 40 s, 2 min. */
export function stretch(seconds: number, language: Language): string {
  const [value, unit] =
    seconds < 90 ? [Math.max(1, Math.round(seconds)), "second"] : [Math.round(seconds / 60), "minute"];
  return unitOf(value, unit, language);
}

export function megabytes(bytes: number, language: Language): string {
  return unitOf(Math.round(bytes / 1048576), "megabyte", language);
}

function unitOf(value: number, unit: string, language: Language): string {
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(value);
}

export function moment(iso: string, language: Language): string {
  return new Intl.DateTimeFormat(language, {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  }).format(new Date(iso));
}

/** The form of a word that goes with a number. */
export function plural(
  language: Language,
  n: number,
  forms: { one: string; few?: string; many?: string; other: string },
) {
  const rule = new Intl.PluralRules(language).select(n) as keyof typeof forms;
  return `${new Intl.NumberFormat(language).format(n)} ${forms[rule] ?? forms.other}`;
}

/** The emoji in front of a name, and the name without it. */
export function iconOf(name: string): [string, string] {
  const found = /^((?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\u{200d}|\u{fe0f})+)\s*(.*)$/u.exec(name);
  return found ? [found[1] ?? "", found[2] ?? name] : ["✨", name];
}

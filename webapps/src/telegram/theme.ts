// Turns the theme of a Telegram client into our colours. Themes are made by people: what is too faint to read is moved
// until it has the contrast that WCAG 2.2 AA asks for, 4.5 for text and 3 for what a control is recognised by.

type Rgb = readonly [number, number, number];

export const TEXT = 4.5;
export const SHAPE = 3;

const LIGHT = {
  bg: "#ffffff",
  page: "#f0f2f5",
  text: "#10161d",
  hint: "#69747f",
  accent: "#1b72c4",
  danger: "#c62f3b",
};
const DARK = { bg: "#17212b", page: "#0e1621", text: "#f3f6f9", hint: "#8fa1b3", accent: "#6ab7ff", danger: "#ff7b83" };

export interface Palette {
  isDark: boolean;
  page: string;
  card: string;
  text: string;
  hint: string;
  accent: string;
  danger: string;
  good: string;
  button: string;
  buttonText: string;
  chosen: string;
  chosenText: string;
  line: string;
  edge: string;
  fill: string;
}

function rgb(colour: string): Rgb {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function hex(parts: Rgb): string {
  return `#${parts.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}

/** Relative luminance by WCAG: 0 is black, 1 is white. */
export function luminance(colour: string): number {
  const [r, g, b] = rgb(colour).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast ratio by WCAG, from 1 to 21. */
export function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** A colour between two, `share` of the way to the second. */
export function mix(from: string, to: string, share: number): string {
  const [a, b] = [rgb(from), rgb(to)];
  return hex(a.map((part, at) => part + ((b[at] ?? 0) - part) * share) as unknown as Rgb);
}

/** The colour, or the nearest one on its way to black or white that can be told from all the grounds. */
export function readable(colour: string, grounds: readonly string[], least: number): string {
  const weakest = (tried: string) => Math.min(...grounds.map((ground) => contrast(tried, ground)));
  const end = weakest("#000000") > weakest("#ffffff") ? "#000000" : "#ffffff";
  for (let share = 0; share < 1; share += 0.04) {
    const tried = mix(colour, end, share);
    if (weakest(tried) >= least) return tried;
  }
  return end;
}

/** Our colours from Telegram's theme parameters; what they lack is filled up from a theme of our own. */
export function paletteOf(theme: Record<string, string>, prefersDark: boolean): Palette {
  const ground = theme.bg_color;
  const isDark = ground ? luminance(ground) < 0.35 : prefersDark;
  const own = isDark ? DARK : LIGHT;
  let card = theme.section_bg_color ?? ground ?? own.bg;
  let page = theme.secondary_bg_color ?? (ground ? card : own.page);
  // A card is seen by its ground: some themes have the same colour for both.
  if (page === card && isDark) card = mix(card, "#ffffff", 0.07);
  else if (page === card) page = mix(card, "#5a6b80", 0.09);
  const fill = mix(card, isDark ? "#ffffff" : "#3c5068", isDark ? 0.09 : 0.07);
  const grounds = [page, card, fill];
  const text = readable(theme.text_color ?? own.text, grounds, 7);
  const accent = readable(theme.accent_text_color ?? theme.link_color ?? own.accent, grounds, TEXT);
  // Words on the button keep their colour, and the button itself moves: that is nearer to what its maker meant.
  const buttonText = theme.button_text_color ?? "#ffffff";
  const button = readable(theme.button_color ?? LIGHT.accent, [buttonText], TEXT);
  const chosen = mix(card, accent, 0.16);
  return {
    isDark,
    page,
    card,
    text,
    hint: readable(theme.subtitle_text_color ?? theme.hint_color ?? own.hint, grounds, TEXT),
    accent,
    danger: readable(theme.destructive_text_color ?? own.danger, grounds, TEXT),
    good: readable(isDark ? "#5fd38d" : "#18794a", grounds, TEXT),
    button,
    buttonText,
    chosen,
    chosenText: readable(accent, [chosen], TEXT),
    line: mix(card, text, 0.1),
    edge: readable(mix(card, text, 0.3), [card, page], SHAPE),
    fill,
  };
}

/** Give the colours to the style sheet. */
export function paint(palette: Palette, root: HTMLElement): void {
  for (const [name, value] of Object.entries(palette)) {
    if (typeof value === "string") root.style.setProperty(`--${name}`, value);
  }
  root.style.colorScheme = palette.isDark ? "dark" : "light";
}

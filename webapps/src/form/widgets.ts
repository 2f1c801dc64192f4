// Which control an option is drawn with, and what its values are called.
import type { Language, Schema, Value } from "../api/types";
import { choicesOf } from "./schema";

export type Widget = "segments" | "select" | "stepper" | "slider" | "switch" | "text";

/** Buttons side by side stay readable up to this many. */
const MOST_SEGMENTS = 12;
const MOST_STEPS = 12;

/** The control for an option: the one that the catalogue names where it can show it, else the one that suits. */
export function widgetOf(option: Schema): Widget {
  const wanted = option["x-widget"];
  const isNumber = option.type === "integer" || option.type === "number";
  const hasRange = isNumber && option.minimum !== undefined && option.maximum !== undefined;
  const choices = choicesOf(option);
  if (option.type === "boolean" && option.const === undefined) return wanted === "segments" ? "segments" : "switch";
  if (choices.length) {
    if (wanted === "segments" || wanted === "select") return wanted;
    return choices.length <= MOST_SEGMENTS ? "segments" : "select";
  }
  if (!hasRange) return isNumber ? "stepper" : "text";
  if (wanted === "slider" || wanted === "stepper") return wanted;
  return ((option.maximum ?? 0) - (option.minimum ?? 0)) / stepOf(option) <= MOST_STEPS ? "stepper" : "slider";
}

/** How far one step of a number goes. */
export function stepOf(option: Schema): number {
  if (option.multipleOf) return option.multipleOf;
  if (option.type === "integer") return 1;
  return ((option.maximum ?? 1) - (option.minimum ?? 0)) / 100 || 0.01;
}

export function labelOf(name: string, option: Schema, language: Language): string {
  return option["x-label"]?.[language] ?? name.replaceAll("_", " ");
}

/** What a value is called. Numbers, shapes and resolutions speak for themselves. */
export function nameOf(option: Schema, value: Value, language: Language): string {
  const named = option["x-labels"]?.[String(value)]?.[language];
  if (named) return named.charAt(0).toUpperCase() + named.slice(1);
  return typeof value === "number" ? new Intl.NumberFormat(language).format(value) : String(value);
}

/** Width and height of a shape such as 16:9; null for what is none. */
export function shapeOf(value: Value): [number, number] | null {
  const found = /^(\d{1,2}):(\d{1,2})$/.exec(String(value));
  return found ? [Number(found[1]), Number(found[2])] : null;
}

// What may be put into the slots of a model now, and what is still missing: the rules that the server checks, too.
import type { Model, Params, Role, Schema, Slot, Value } from "../api/types";

/** How many files each slot has. */
export type Filled = Partial<Record<Role, number>>;

export type Complaint =
  | { kind: "missing"; role: Role; least: number }
  | { kind: "needs"; role: Role; other: Role }
  | { kind: "excludes"; role: Role; other: Role }
  | { kind: "too_many"; role: Role; most: number }
  | { kind: "too_many_images"; most: number }
  | { kind: "requires"; role: Role; option: string; values: Value[] };

const has = (filled: Filled, role: string) => (filled[role as Role] ?? 0) > 0;

/** How many files a slot takes beside the others. */
export function mostOf(slot: Slot, filled: Filled): number {
  const fewer = Object.entries(slot.fewer).filter(([role]) => has(filled, role));
  return Math.min(slot.most, ...fewer.map(([, most]) => most));
}

/** Why nothing can be put into a slot now; null when something can. */
export function closedBy(slot: Slot, filled: Filled, slots: readonly Slot[]): Complaint | null {
  const missing = slot.needs.find((role) => !has(filled, role));
  if (missing) return { kind: "needs", role: slot.role, other: missing as Role };
  const inTheWay = [
    ...slot.excludes.filter((role) => has(filled, role)),
    ...slots
      .filter((other) => other.excludes.includes(slot.role) && has(filled, other.role))
      .map((other) => other.role),
  ][0];
  return inTheWay ? { kind: "excludes", role: slot.role, other: inTheWay as Role } : null;
}

/** Everything that keeps the files from being ordered with. */
export function complaints(model: Model, filled: Filled, params: Params): Complaint[] {
  const found: Complaint[] = [];
  for (const slot of model.inputs) {
    const count = filled[slot.role] ?? 0;
    if (count < slot.least) found.push({ kind: "missing", role: slot.role, least: slot.least });
    if (count === 0) continue;
    if (count > mostOf(slot, filled)) found.push({ kind: "too_many", role: slot.role, most: mostOf(slot, filled) });
    const closed = closedBy(slot, filled, model.inputs);
    if (closed) found.push(closed);
    for (const [option, values] of Object.entries(slot.requires)) {
      const value = params[option];
      if (value !== undefined && !values.includes(value)) {
        found.push({ kind: "requires", role: slot.role, option, values });
      }
    }
  }
  const pictures = Object.entries(filled).reduce(
    (sum, [role, count]) => (role === "video" || role === "mask" ? sum : sum + count),
    0,
  );
  if (pictures > model.max_input_images) found.push({ kind: "too_many_images", most: model.max_input_images });
  return found;
}

/** Values that the filled slots demand of each option. */
export function demandedBy(slots: readonly Slot[], filled: Filled): Record<string, Value[]> {
  const demanded: Record<string, Value[]> = {};
  for (const slot of slots.filter((one) => has(filled, one.role))) {
    for (const [option, values] of Object.entries(slot.requires)) {
      const before = demanded[option];
      demanded[option] = before ? before.filter((value) => values.includes(value)) : values;
    }
  }
  return demanded;
}

/** Whether an option means something beside the files: a photo may decide what it would have decided. */
export function isShown(option: Schema, filled: Filled): boolean {
  return !option["x-without"]?.some((role) => has(filled, role));
}

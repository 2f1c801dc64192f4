// Reads the JSON Schema of a model's options: whether values fit it, and what each option may be now.
import type { Params, Schema, Value } from "../api/types";

/** Whether a value fits a schema, as far as options use it. Names that are not given are judged by `required` only. */
export function fits(schema: Schema, value: unknown): boolean {
  if (schema.const !== undefined && value !== schema.const) return false;
  if (schema.enum && !schema.enum.includes(value as Value)) return false;
  if (schema.type && !isOfType(schema.type, value)) return false;
  if (typeof value === "number" && !fitsNumber(schema, value)) return false;
  if (typeof value === "string" && !fitsText(schema, value)) return false;
  if (typeof value === "object" && value !== null && !fitsObject(schema, value as Params)) return false;
  if (schema.not && fits(schema.not, value)) return false;
  if (schema.allOf && !schema.allOf.every((part) => fits(part, value))) return false;
  if (schema.anyOf && !schema.anyOf.some((part) => fits(part, value))) return false;
  if (schema.oneOf && schema.oneOf.filter((part) => fits(part, value)).length !== 1) return false;
  if (!schema.if) return true;
  const branch = fits(schema.if, value) ? schema.then : schema.else;
  return branch === undefined || fits(branch, value);
}

function isOfType(type: string, value: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function fitsNumber(schema: Schema, value: number): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (minimum !== undefined && value < minimum) return false;
  if (maximum !== undefined && value > maximum) return false;
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) return false;
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) return false;
  if (multipleOf === undefined) return true;
  const share = value / multipleOf;
  return Math.abs(share - Math.round(share)) < 1e-9;
}

function fitsText(schema: Schema, value: string): boolean {
  const length = [...value].length;
  if (schema.minLength !== undefined && length < schema.minLength) return false;
  if (schema.maxLength !== undefined && length > schema.maxLength) return false;
  return schema.pattern === undefined || new RegExp(schema.pattern, "u").test(value);
}

function fitsObject(schema: Schema, value: Params): boolean {
  if (schema.required?.some((name) => value[name] === undefined)) return false;
  return Object.entries(schema.properties ?? {}).every(([name, part]) => {
    const given = value[name];
    return given === undefined || fits(part, given);
  });
}

/** The conditional parts that hold for these values: every `then` or `else` in force, nested ones too. */
export function inForce(schema: Schema, params: Params): Schema[] {
  const found: Schema[] = [];
  const walk = (part: Schema) => {
    if (part.if) {
      const branch = fits(part.if, params) ? part.then : part.else;
      if (branch) {
        found.push(branch);
        walk(branch);
      }
    }
    for (const one of part.allOf ?? []) {
      if (!one.if) found.push(one);
      walk(one);
    }
  };
  walk(schema);
  return found;
}

/** The options in the order in which their author gave them. */
export function optionsOf(schema: Schema): [string, Schema][] {
  const properties = schema.properties ?? {};
  const first = (schema["x-order"] ?? []).filter((name) => properties[name]);
  const names = [...new Set([...first, ...Object.keys(properties)])];
  return names.map((name) => [name, properties[name] ?? {}]);
}

/** Values that can be offered one beside the other; none where an option is a range or free text. */
export function choicesOf(option: Schema): Value[] {
  if (option.const !== undefined) return [option.const];
  if (option.enum) return option.enum;
  return option.type === "boolean" ? [false, true] : [];
}

/** What was chosen, filled up with the defaults: those of conditions that hold, then the options' own. */
export function withDefaults(schema: Schema, chosen: Params): Params {
  const filled: Params = {};
  for (const [name, option] of optionsOf(schema)) {
    const value = chosen[name] ?? option.default;
    if (value !== undefined) filled[name] = value;
  }
  // A condition may bring another one to hold: a few rounds settle any schema that makes sense.
  for (let round = 0; round < 4; round++) {
    const before = JSON.stringify(filled);
    for (const part of inForce(schema, filled)) {
      for (const [name, option] of Object.entries(part.properties ?? {})) {
        if (chosen[name] === undefined && option.default !== undefined) filled[name] = option.default;
      }
    }
    if (JSON.stringify(filled) === before) break;
  }
  return filled;
}

/** Values to try for an option when its own does not go with the others: as near to it as can be, first. */
function candidates(option: Schema, demands: readonly Schema[], current: Value | undefined): Value[] {
  const wished = demands.flatMap((part) => [part.default, part.const, ...(part.enum ?? [])]);
  const numbers = demands.flatMap((part) => [part.minimum, part.maximum]);
  const all = [...wished, ...numbers, option.default, ...choicesOf(option), option.minimum, option.maximum];
  const values = [...new Set(all.filter((value): value is Value => value !== undefined))];
  if (typeof current !== "number") return values;
  const distance = (value: Value) => (typeof value === "number" ? Math.abs(value - current) : Number.POSITIVE_INFINITY);
  return values.sort((a, b) => distance(a) - distance(b) || 0);
}

/**
 * Change as few other options as needed so that all go with the one that was just chosen.
 *
 * @param kept names that must stay as they are: what was chosen last.
 * @param demanded values that filled slots demand of an option.
 */
export function settle(
  schema: Schema,
  chosen: Params,
  kept: readonly string[],
  demanded: Readonly<Record<string, readonly Value[]>> = {},
): Params {
  let params = { ...chosen };
  for (const [name, values] of Object.entries(demanded)) {
    const now = withDefaults(schema, params)[name];
    const first = values.find((value) => fits(schema.properties?.[name] ?? {}, value));
    if (first !== undefined && (now === undefined || !values.includes(now))) params = { ...params, [name]: first };
  }
  const isGood = (tried: Params) =>
    fits(schema, withDefaults(schema, tried)) &&
    Object.entries(demanded).every(([name, values]) => {
      const value = withDefaults(schema, tried)[name];
      return value === undefined || values.includes(value);
    });
  if (isGood(params)) return params;
  const others = optionsOf(schema).filter(([name]) => !kept.includes(name));
  return search(schema, params, others, isGood, 2) ?? params;
}

function search(
  schema: Schema,
  params: Params,
  others: readonly [string, Schema][],
  isGood: (tried: Params) => boolean,
  depth: number,
): Params | null {
  const filled = withDefaults(schema, params);
  const tries: Params[] = others.flatMap(([name, option]) => {
    const demands = inForce(schema, filled).flatMap((part) => part.properties?.[name] ?? []);
    return candidates(option, demands, filled[name])
      .filter((value) => value !== filled[name])
      .map((value) => ({ ...params, [name]: value }));
  });
  const found = tries.find(isGood);
  if (found || depth <= 1) return found ?? null;
  for (const tried of tries) {
    const deeper = search(schema, tried, others, isGood, depth - 1);
    if (deeper) return deeper;
  }
  return null;
}

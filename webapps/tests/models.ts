// The models that ship, as the API tells them. Made by scripts/models.py from the catalogue.
import type { Model, Params } from "../src/api/types";
import told from "./fixtures/models.json";

export interface Case {
  params: Params;
  filled: Params;
  valid: boolean;
}

export const MODELS = told as unknown as { model: Model; cases: Case[] }[];

export function model(slug: string): Model {
  const found = MODELS.find((one) => one.model.slug === slug);
  if (!found) throw new Error(`There is no model ${slug} in the fixture.`);
  return found.model;
}

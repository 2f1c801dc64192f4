// What the service answers, as docs/app-api.md and /api/app/v1/openapi.json describe it. Money is text.

export type Language = "ru" | "en";
export type Role = "image" | "start" | "end" | "reference" | "mask" | "video";
export type Value = string | number | boolean;
export type Params = Record<string, Value>;
export type Words = Record<Language, string>;

export interface Me {
  id: string;
  name: string;
  language: Language;
  balance: string;
  bonuses: { first_deposit: { percent: string; at_most: string } | null; daily: string | null };
}

/** A JSON Schema as far as options use it. What the x-… keys mean: docs/catalogue.md. */
export interface Schema {
  type?: string;
  enum?: Value[];
  const?: Value;
  default?: Value;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  if?: Schema;
  then?: Schema;
  else?: Schema;
  not?: Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  "x-label"?: Words;
  "x-labels"?: Record<string, Words>;
  "x-widget"?: string;
  "x-without"?: Role[];
  "x-order"?: string[];
}

export interface Slot {
  role: Role;
  label: string;
  most: number;
  least: number;
  mime_types: string[];
  max_bytes: number;
  max_seconds: number | null;
  needs: string[];
  excludes: string[];
  requires: Record<string, Value[]>;
  fewer: Record<string, number>;
}

export interface Model {
  slug: string;
  name: string;
  kind: "image" | "video" | "text";
  purpose: string;
  price_from: string;
  params: Schema;
  max_prompt_length: number;
  inputs: Slot[];
  max_input_images: number;
  typical_seconds: number;
  retired: boolean;
  successor: string | null;
}

export interface Quote {
  model: string;
  params: Params;
  tokens: string;
  balance: string;
  missing: string;
}

export interface Continuation {
  kind: "vary" | "upscale" | "animate" | "extend";
  number: number;
}

export interface OrderBody {
  model: string;
  prompt: string;
  params: Params;
  inputs: { upload: string; role: Role }[];
  source_url?: string;
  parent?: string;
  continuation?: Continuation;
  agreed?: string;
}

export interface Result {
  number: number;
  mime: string;
  width: number;
  height: number;
  seconds: number;
  url: string | null;
  thumbnail_url: string | null;
  text: string | null;
}

export interface GenerationItem {
  run_code: string;
  model: string;
  model_name: string;
  kind: "image" | "video" | "text";
  prompt: string;
  status: "queued" | "processing" | "done" | "error" | "cancelled";
  stage: string;
  error: string | null;
  price: string;
  refunded: string;
  created_at: string;
  preview: Result | null;
}

export interface FollowUpOffer {
  kind: Continuation["kind"];
  model: string;
  model_name: string;
  params: Params;
  price: string;
}

export interface Generation extends GenerationItem {
  params: Params;
  progress: number | null;
  queue_place: number | null;
  elapsed_seconds: number;
  usual_seconds: number;
  can_cancel: boolean;
  ordered: number;
  results: Result[];
  follow_ups: FollowUpOffer[];
}

export interface RepeatInput {
  upload: string | null;
  role: Role;
  mime: string;
  seconds: number;
  url: string | null;
}

export interface Repeat {
  model: string;
  prompt: string;
  params: Params;
  inputs: RepeatInput[];
  source_url: string;
  parent: string | null;
  continuation: Continuation | null;
  price: string | null;
  is_available: boolean;
  successor: string | null;
}

export interface Upload {
  code: string;
  state: "expected" | "ready";
  mime: string;
  size: number;
  width: number;
  height: number;
  seconds: number;
  put: { url: string; method: string; headers: Record<string, string>; expires_at: string } | null;
  url: string | null;
}

export interface Package {
  code: string;
  title: string;
  tokens: string;
  bonus: string;
  is_recurring: boolean;
  prices: { gateway: string; amount: string; currency: string }[];
}

export interface Order {
  code: string;
  status: "pending" | "failed" | "expired" | "paid" | "refunding" | "refunded" | "held";
  package: string;
  tokens: string;
  gateway: string;
  amount: string;
  currency: string;
  payment_url: string | null;
  opens: "invoice" | "page";
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

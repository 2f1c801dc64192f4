// Asks the service. Who asks is told by the raw init data in a header, and nowhere else.
import { launch } from "../telegram/client.svelte";
import { OFFLINE, type Problem as P, Problem, problemIn, SLOW } from "./problem";
import type {
  Generation,
  GenerationItem,
  Me,
  Model,
  Order,
  OrderBody,
  Package,
  Page,
  Params,
  Quote,
  Repeat,
  Upload,
} from "./types";

const ROOT = "/api/app/v1";
const PATIENCE = 20_000;

interface Asking {
  method?: "GET" | "POST" | "DELETE";
  body?: unknown;
  /** Idempotency key: the same one for every attempt at the same thing. */
  key?: string;
  signal?: AbortSignal | undefined;
}

async function ask<T>(path: string, { method, body, key, signal }: Asking = {}): Promise<T> {
  // AbortSignal.any would do the same, and phones of two years ago do not have it.
  const stopped = new AbortController();
  let isSlow = false;
  const patience = setTimeout(() => {
    isSlow = true;
    stopped.abort();
  }, PATIENCE);
  const stop = () => stopped.abort();
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  const headers: Record<string, string> = { Authorization: `tma ${launch.initData}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key !== undefined) headers["Idempotency-Key"] = key;
  let answer: Response;
  try {
    answer = await fetch(ROOT + path, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: stopped.signal,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    if (answer.ok) return (await answer.json()) as T;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(isSlow ? SLOW : OFFLINE);
  } finally {
    clearTimeout(patience);
    signal?.removeEventListener("abort", stop);
  }
  throw await problemIn(answer);
}

const at = encodeURIComponent;

export const api = {
  me: () => ask<Me>("/me"),
  models: () => ask<{ items: Model[] }>("/models"),
  model: (slug: string) => ask<Model>(`/models/${at(slug)}`),
  quote: (model: string, params: Params, signal?: AbortSignal) =>
    ask<Quote>("/quote", { body: { model, params }, signal }),
  order: (body: OrderBody, key: string) => ask<Generation>("/generations", { body, key }),
  generations: (cursor?: string | null) =>
    ask<Page<GenerationItem>>(`/generations?limit=20${cursor ? `&cursor=${at(cursor)}` : ""}`),
  generation: (code: string, signal?: AbortSignal) => ask<Generation>(`/generations/${at(code)}`, { signal }),
  cancel: (code: string) => ask<Generation>(`/generations/${at(code)}/cancel`, { method: "POST" }),
  repeat: (code: string) => ask<Repeat>(`/generations/${at(code)}/repeat`),
  packages: () => ask<{ items: Package[] }>("/packages"),
  buy: (body: { package: string; gateway: string }, key: string) => ask<Order>("/orders", { body, key }),
  bought: (code: string, signal?: AbortSignal) => ask<Order>(`/orders/${at(code)}`, { signal }),
  announce: (body: { mime: string; size: number }, key: string, signal?: AbortSignal) =>
    ask<Upload>("/uploads", { body, key, signal }),
  complete: (code: string, signal?: AbortSignal) =>
    ask<Upload>(`/uploads/${at(code)}/complete`, { method: "POST", signal }),
  upload: (code: string) => ask<Upload>(`/uploads/${at(code)}`),
  forget: (code: string) => ask<unknown>(`/uploads/${at(code)}`, { method: "DELETE" }),
};

export type Api = typeof api;

/** The problem that something threw; what is none is a slip of ours and stays one. */
export function asProblem(error: unknown): P {
  if (error instanceof Problem) return error;
  throw error;
}

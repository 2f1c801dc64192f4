// A service that answers as ours does, for pages that are drawn without one.
import { vi } from "vitest";
import type { Me, Model } from "../src/api/types";
import { MODELS } from "./models";

export interface Call {
  method: string;
  path: string;
  body: Record<string, unknown> | null;
  headers: Headers;
  signal: AbortSignal | null;
}

type Answer = (call: Call) => { status?: number; body: unknown } | Promise<{ status?: number; body: unknown }>;

export const ME: Me = {
  id: "7",
  name: "Ann",
  language: "en",
  balance: "50.00",
  bonuses: { first_deposit: null, daily: null },
};

/** Stand in for the service. `answers` go before what it would say: by method and path. */
export function service(answers: Record<string, Answer> = {}) {
  const calls: Call[] = [];
  const listed = MODELS.map(({ model }) => model).filter((model) => !model.retired);
  const usual: Record<string, Answer> = {
    "GET /me": () => ({ body: ME }),
    "GET /models": () => ({ body: { items: listed } }),
    "POST /quote": ({ body }) => ({
      body: { model: body?.model, params: body?.params, tokens: "11.00", balance: ME.balance, missing: "0.00" },
    }),
    "POST /generations": () => ({ status: 201, body: { run_code: "r1" } }),
    "GET /generations/r1": () => ({ status: 404, body: { code: "unknown_generation" } }),
  };
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const call: Call = {
      method: init.method ?? "GET",
      path: url.replace("/api/app/v1", ""),
      body: init.body ? JSON.parse(String(init.body)) : null,
      headers: new Headers(init.headers),
      signal: init.signal ?? null,
    };
    calls.push(call);
    const answer = answers[`${call.method} ${call.path}`] ?? usual[`${call.method} ${call.path}`];
    const said = answer ? await answer(call) : { status: 404, body: { code: "unknown" } };
    return new Response(JSON.stringify(said.body), { status: said.status ?? 200 });
  });
  return { calls, of: (path: string) => calls.filter((call) => call.path === path) };
}

/** The smallest upload-free order that a model takes. */
export function needsFiles(model: Model): boolean {
  return model.inputs.some(({ least }) => least > 0);
}

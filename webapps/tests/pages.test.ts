// The other pages: buying tokens until they are there, what was made, and what follows from it.
import { type Component, flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Generation, Order } from "../src/api/types";
import GenerationPage from "../src/pages/Generation.svelte";
import History from "../src/pages/History.svelte";
import Models from "../src/pages/Models.svelte";
import Outside from "../src/pages/Outside.svelte";
import TopUp from "../src/pages/TopUp.svelte";
import BottomBar from "../src/parts/BottomBar.svelte";
import { app } from "../src/state/app.svelte";
import { fillings } from "../src/state/fillings";
import { speak } from "../src/texts/index.svelte";
import { MODELS } from "./models";
import { ME, service } from "./service";

let mounted: Record<string, unknown>[] = [];
const text = () => (document.body.textContent ?? "").replace(/\s+/g, " ");
const button = (words: string) =>
  [...document.querySelectorAll("button")].find((one) => one.textContent?.replace(/\s+/g, " ").includes(words));
const until = (isSo: () => unknown) => vi.waitFor(() => expect(isSo()).toBeTruthy(), { timeout: 4000 });

// biome-ignore lint/suspicious/noExplicitAny: pages differ in what they are given.
function open(page: Component<any>, props: Record<string, unknown> = {}) {
  const target = document.body.appendChild(document.createElement("div"));
  mounted = [mount(page, { target, props }), mount(BottomBar, { target })];
  flushSync();
}

beforeEach(() => {
  localStorage.clear();
  speak("en");
  vi.stubGlobal("open", vi.fn());
  app.me = ME;
  app.models = MODELS.map((one) => one.model);
  app.stack = [{ page: "models" }];
});

afterEach(async () => {
  await Promise.all(mounted.map((one) => unmount(one)));
  document.body.replaceChildren();
  document.head.replaceChildren();
  vi.unstubAllGlobals();
});

const made: Generation = {
  run_code: "r1",
  model: "midjourney-v7-fast",
  model_name: "🎨 Midjourney",
  kind: "image",
  prompt: "a city",
  status: "done",
  stage: "finished",
  error: null,
  price: "1.60",
  refunded: "0.00",
  created_at: "2026-11-22T10:00:00Z",
  preview: null,
  params: {},
  progress: null,
  queue_place: null,
  elapsed_seconds: 40,
  usual_seconds: 70,
  can_cancel: false,
  ordered: 2,
  results: [1, 2].map((number) => ({
    number,
    mime: "image/png",
    width: 10,
    height: 10,
    seconds: 0,
    url: `https://store/${number}.png`,
    thumbnail_url: null,
    text: null,
  })),
  follow_ups: [{ kind: "upscale", model: "midjourney-upscale", model_name: "Upscale", params: {}, price: "0.40" }],
};

const answer = (generation: Partial<Generation>) => ({
  "GET /generations/r1": () => ({ body: { ...made, ...generation } }),
});

describe("a generation", () => {
  it("that is being made shows its progress and can be cancelled", async () => {
    const { of } = service({
      ...answer({ status: "processing", stage: "submitted", progress: 40, results: [], can_cancel: true }),
      "POST /generations/r1/cancel": () => ({ body: { ...made, status: "cancelled", results: [], refunded: "1.60" } }),
    });
    open(GenerationPage, { code: "r1", isNew: true });
    await until(() => text().includes("40%"));
    button("Cancel")?.click();
    await until(() => text().includes("1.60 ⚡ came back"));
    expect(of("/generations/r1/cancel")).toHaveLength(1);
    expect(of("/me")).toHaveLength(1);
  });

  it("that was cancelled stays so when an older look at it answers late", async () => {
    const running = { ...made, status: "processing", stage: "submitted", results: [], can_cancel: true };
    let looks = 0;
    let late = () => {};
    const waiting = new Promise<void>((resolve) => {
      late = resolve;
    });
    service({
      "GET /generations/r1": async () => {
        if (++looks > 1) await waiting;
        return { body: running };
      },
      "POST /generations/r1/cancel": () => ({ body: { ...made, status: "cancelled", results: [], refunded: "1.60" } }),
    });
    open(GenerationPage, { code: "r1", isNew: false });
    await until(() => button("Cancel"));
    document.dispatchEvent(new Event("visibilitychange"));
    await until(() => looks === 2);
    button("Cancel")?.click();
    await until(() => text().includes("1.60 ⚡ came back"));
    late();
    await new Promise((resolve) => setTimeout(resolve, 50));
    flushSync();
    expect(text()).toContain("1.60 ⚡ came back");
    expect(button("Cancel")).toBeUndefined();
  });

  it("that cannot be cancelled says so until it is over, whatever is looked at meanwhile", async () => {
    let looks = 0;
    let isOver = false;
    service({
      "GET /generations/r1": () => {
        looks++;
        return { body: isOver ? made : { ...made, status: "processing", results: [], can_cancel: true } };
      },
      "POST /generations/r1/cancel": () => ({ status: 409, body: { code: "cannot_cancel" } }),
    });
    open(GenerationPage, { code: "r1", isNew: false });
    await until(() => button("Cancel"));
    button("Cancel")?.click();
    await until(() => document.querySelector(".trouble"));
    const words = document.querySelector(".trouble")?.textContent ?? "";
    const before = looks;
    document.dispatchEvent(new Event("visibilitychange"));
    await until(() => looks > before);
    await new Promise((resolve) => setTimeout(resolve, 50));
    flushSync();
    expect(text()).toContain(words);
    isOver = true;
    document.dispatchEvent(new Event("visibilitychange"));
    await until(() => text().includes("Done"));
    expect(document.querySelector(".trouble")).toBeNull();
  });

  it("is looked at once when it is over", async () => {
    const { of } = service(answer({}));
    open(GenerationPage, { code: "r1", isNew: false });
    await until(() => text().includes("Done"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(of("/generations/r1")).toHaveLength(1);
  });

  it("goes on from the result that is looked at", async () => {
    service(answer({}));
    open(GenerationPage, { code: "r1", isNew: false });
    await until(() => button("Enlarge"));
    document.querySelectorAll<HTMLButtonElement>(".strip button")[1]?.click();
    flushSync();
    button("Enlarge")?.click();
    await until(() => app.view?.page === "form");
    expect(fillings.take("midjourney-upscale")).toMatchObject({
      parent: "r1",
      continuation: { kind: "upscale", number: 2 },
    });
  });

  it("is repeated with what it was ordered with", async () => {
    service({
      ...answer({}),
      "GET /generations/r1/repeat": () => ({
        body: {
          model: "midjourney-v7-fast",
          prompt: "a city",
          params: { speed: "turbo" },
          inputs: [],
          is_available: true,
        },
      }),
    });
    open(GenerationPage, { code: "r1", isNew: false });
    await until(() => button("Repeat"));
    button("Repeat")?.click();
    await until(() => app.view?.page === "form");
    expect(fillings.take("midjourney-v7-fast")).toMatchObject({ params: { speed: "turbo" } });
  });

  it("that failed says why in plain words", async () => {
    service(answer({ status: "error", error: "content_blocked", results: [], refunded: "1.60" }));
    open(GenerationPage, { code: "r1", isNew: false });
    await until(() => text().includes("safety filter"));
    expect(text()).not.toContain("content_blocked");
  });
});

describe("the history", () => {
  it("shows thumbnails lazily, and more on demand", async () => {
    const item = { ...made, preview: { ...made.results[0], thumbnail_url: "https://store/t.jpg" } };
    service({
      "GET /generations?limit=20": () => ({ body: { items: [item], next_cursor: "c" } }),
      "GET /generations?limit=20&cursor=c": () => ({
        body: { items: [{ ...item, run_code: "r0", prompt: "an older city" }], next_cursor: null },
      }),
    });
    open(History);
    await until(() => document.querySelector("img"));
    const image = document.querySelector("img");
    expect([image?.src, image?.loading]).toEqual(["https://store/t.jpg", "lazy"]);
    button("Show more")?.click();
    await until(() => text().includes("an older city"));
    expect(button("Show more")).toBeUndefined();
  });

  it("of somebody new leads to the first order", async () => {
    service({ "GET /generations?limit=20": () => ({ body: { items: [], next_cursor: null } }) });
    open(History);
    await until(() => text().includes("Everything that you make"));
  });
});

const packages = {
  items: [100, 500].map((tokens) => ({
    code: `tokens-${tokens}`,
    title: "",
    tokens: `${tokens}.00`,
    bonus: "0.00",
    is_recurring: false,
    prices: [
      { gateway: "stars", amount: "385", currency: "XTR" },
      { gateway: "lava", amount: "5.00", currency: "USD" },
    ],
  })),
};
const order: Order = {
  code: "o1",
  status: "pending",
  package: "tokens-100",
  tokens: "100.00",
  gateway: "lava",
  amount: "5.00",
  currency: "USD",
  payment_url: "https://pay.example/o1",
  opens: "page",
};

describe("topping up", () => {
  it("begins with the smallest package that pays for what was wanted", async () => {
    service({ "GET /packages": () => ({ body: packages }) });
    open(TopUp, { missing: "140" });
    await until(() => document.querySelector<HTMLInputElement>("[name=package]:checked")?.value === "tokens-500");
  });

  it("opens the page of a card, follows the order until it is paid, and leads back", async () => {
    let looks = 0;
    const { of } = service({
      "GET /packages": () => ({ body: packages }),
      "POST /orders": () => ({ body: order }),
      "GET /orders/o1": () => ({ body: { ...order, status: ++looks > 1 ? "paid" : "pending" } }),
    });
    app.stack = [
      { page: "form", slug: "veo3-fast", family: [] },
      { page: "topup", missing: "80" },
    ];
    open(TopUp, { missing: "80" });
    await until(() => button("Pay 385"));
    document.querySelector<HTMLInputElement>("[value=lava]")?.click();
    flushSync();
    button("Pay $5.00")?.click();
    await until(() => text().includes("Waiting for the payment"));
    expect(of("/orders")[0]?.body).toEqual({ package: "tokens-100", gateway: "lava" });
    expect(window.open).toHaveBeenCalledWith("https://pay.example/o1", "_blank", "noopener");
    await until(() => text().includes("100 ⚡ added"));
    expect(of("/orders/o1")).toHaveLength(2);
    button("Back to the order")?.click();
    expect(app.view?.page).toBe("form");
  });

  it("asks with the same key again while the payment service is away", async () => {
    let tries = 0;
    const { of } = service({
      "GET /packages": () => ({ body: packages }),
      "POST /orders": () =>
        ++tries === 1
          ? { status: 503, body: { code: "gateway_unavailable" } }
          : { body: { ...order, status: "expired" } },
    });
    open(TopUp, { missing: "" });
    await until(() => button("Pay 385"));
    button("Pay 385")?.click();
    await until(() => text().includes("does not answer"));
    button("Pay 385")?.click();
    await until(() => of("/orders").length === 2);
    const keys = of("/orders").map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys[1]).toBe(keys[0]);
    await until(() => text().includes("too old"));
  });
});

it("the history forgets that more could not be had once it was", async () => {
  let tries = 0;
  service({
    "GET /generations?limit=20": () => ({ body: { items: [made], next_cursor: "c" } }),
    "GET /generations?limit=20&cursor=c": () =>
      ++tries === 1
        ? { status: 503, body: { code: "unavailable" } }
        : { body: { items: [{ ...made, run_code: "r0", prompt: "a village" }], next_cursor: null } },
  });
  open(History);
  await until(() => button("more"));
  button("more")?.click();
  await until(() => document.querySelector(".trouble"));
  button("more")?.click();
  await until(() => text().includes("a village"));
  expect(document.querySelector(".trouble")).toBeNull();
});

it("the list shows price and time of what can be ordered, and that others have ended", () => {
  service();
  open(Models);
  expect(text()).toContain("from 16 ⚡");
  expect(text()).toContain("No longer works");
  button("Sora 2")?.click();
  expect(app.view).toEqual({ page: "ended", slug: "sora2" });
});

it("outside of Telegram the bot is offered, by a name that can be one only", () => {
  document.head.innerHTML = '<meta name="bot-username" content="nano_bot">';
  open(Outside);
  expect(document.querySelector("a")?.href).toBe("https://t.me/nano_bot");
});

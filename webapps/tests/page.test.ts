// The form as a person meets it: drawn from any model's schema, priced, ordered, and kept when something fails.
import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Model } from "../src/api/types";
import { optionsOf } from "../src/form/schema";
import { widgetOf } from "../src/form/widgets";
import ModelForm from "../src/pages/ModelForm.svelte";
import BottomBar from "../src/parts/BottomBar.svelte";
import { app } from "../src/state/app.svelte";
import { speak } from "../src/texts/index.svelte";
import { MODELS, model } from "./models";
import { ME, needsFiles, service } from "./service";

let mounted: Record<string, unknown>[] = [];
const page = () => document.body;
const text = () => (page().textContent ?? "").replace(/\s+/g, " ");
const main = () => page().querySelector<HTMLButtonElement>(".bottom .main");
const until = (isSo: () => unknown) => vi.waitFor(() => expect(isSo()).toBeTruthy());

function open(shown: Model) {
  const target = document.body.appendChild(document.createElement("div"));
  mounted = [mount(ModelForm, { target, props: { model: shown, family: [] } }), mount(BottomBar, { target })];
  flushSync();
}

async function type(words: string) {
  const area = page().querySelector("textarea") as HTMLTextAreaElement;
  area.value = words;
  area.dispatchEvent(new Event("input", { bubbles: true }));
  flushSync();
}

beforeEach(() => {
  localStorage.clear();
  speak("en");
  app.me = ME;
  app.models = MODELS.map((one) => one.model);
  app.stack = [{ page: "models" }, { page: "form", slug: "x", family: [] }];
});

afterEach(async () => {
  await Promise.all(mounted.map((one) => unmount(one)));
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

describe.each(MODELS.map((one) => one.model).filter((one) => !one.retired))("the form of $slug", (shown) => {
  it("shows every option and slot under its name, and the price before anything is typed", async () => {
    service();
    open(shown);
    for (const [, option] of optionsOf(shown.params)) expect(text()).toContain(option["x-label"]?.en);
    for (const slot of shown.inputs) expect(text()).toContain(slot.label);
    await until(() => main()?.textContent === "Create · 11\u00a0⚡");
    expect(text()).toContain("39 ⚡ will be left");
  });

  it("uses native controls only, each with a name", async () => {
    service();
    open(shown);
    const controls = [...page().querySelectorAll<HTMLInputElement>("input, select, textarea")];
    const drawn = optionsOf(shown.params).filter(([, option]) => widgetOf(option) !== "text");
    expect(controls.length).toBeGreaterThanOrEqual(drawn.length);
    for (const control of controls) {
      const label = control.getAttribute("aria-label") ?? control.labels?.[0]?.textContent ?? "";
      expect(label.trim(), control.outerHTML).not.toBe("");
    }
    expect(page().querySelectorAll("[tabindex], div[role=button], span[role=button]")).toHaveLength(0);
  });

  if (!needsFiles(shown) && shown.kind !== "text") {
    it("orders what is chosen, at the price that is shown", async () => {
      const { of } = service();
      open(shown);
      await type("a red fox 🦊 שלום");
      await until(() => main()?.getAttribute("aria-disabled") === "false");
      main()?.click();
      await until(() => of("/generations").length === 1);
      const [call] = of("/generations");
      expect(call?.body).toMatchObject({ model: shown.slug, prompt: "a red fox 🦊 שלום", inputs: [], agreed: "11.00" });
      expect(call?.headers.get("Idempotency-Key")).toMatch(/^[\w-]{36}$/);
      await until(() => app.view?.page === "generation");
    });
  }
});

describe("the form", () => {
  const kling = model("kling-v2-6");

  it("says what is missing, and orders nothing", async () => {
    const { of } = service();
    open(kling);
    await until(() => main()?.getAttribute("aria-disabled") === "false");
    main()?.click();
    flushSync();
    expect(page().querySelector("[role=alert]")?.textContent).toContain("Write what to make");
    expect(of("/generations")).toHaveLength(0);
  });

  it("counts an emoji once, and refuses what is too long", async () => {
    service();
    open(kling);
    await type("🦊".repeat(2501));
    expect(text()).toContain("2501 / 2500");
    await until(() => main()?.getAttribute("aria-disabled") === "false");
    main()?.click();
    flushSync();
    expect(page().querySelector("[role=alert]")?.textContent).toContain("Shorten the description by 1 character");
  });

  it("asks again at the new price when the price has changed", async () => {
    let price = "14.00";
    const { of } = service({
      "POST /generations": ({ body }) =>
        body?.agreed === price
          ? { status: 201, body: { run_code: "r1" } }
          : { status: 409, body: { code: "price_changed", price } },
    });
    open(kling);
    await type("a fox");
    await until(() => main()?.getAttribute("aria-disabled") === "false");
    main()?.click();
    await until(() => main()?.textContent === "Create · 14\u00a0⚡");
    expect(text()).toContain("it is 14 ⚡ now");
    main()?.click();
    await until(() => of("/generations").length === 2);
    expect(of("/generations")[1]?.body?.agreed).toBe("14.00");
    price = "";
  });

  it("keeps everything when the answer is lost, and sends the same key again", async () => {
    let tries = 0;
    const { of } = service({
      "POST /generations": () => {
        if (++tries === 1) throw new TypeError("network");
        return { status: 201, body: { run_code: "r1" } };
      },
    });
    open(kling);
    await type("a fox");
    await until(() => main()?.getAttribute("aria-disabled") === "false");
    main()?.click();
    await until(() => text().includes("never charged twice"));
    expect(page().querySelector("textarea")?.value).toBe("a fox");
    main()?.click();
    await until(() => of("/generations").length === 2);
    const keys = of("/generations").map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys[1]).toBe(keys[0]);
  });

  it("becomes the way to top up when the balance is too low", async () => {
    app.me = { ...ME, balance: "4.00" };
    service({
      "POST /quote": ({ body }) => ({
        body: { model: body?.model, params: {}, tokens: "11.00", balance: "4.00", missing: "7.00" },
      }),
    });
    open(kling);
    await until(() => main()?.textContent === "7\u00a0⚡ short · Top up");
    main()?.click();
    expect(app.view).toEqual({ page: "topup", missing: "7" });
  });

  it("asks the server for a price at every change, and brings options to go together", async () => {
    const { of } = service();
    open(kling);
    await until(() => of("/quote").length === 1);
    page().querySelector<HTMLInputElement>("[role=switch]")?.click();
    await until(() => of("/quote").length === 2);
    expect(of("/quote")[1]?.body).toMatchObject({ params: { sound: true, mode: "pro" } });
  });

  it("lets an upload go on while options are changed, and stops it when the form is left", async () => {
    const { of } = service({ "POST /uploads": () => new Promise(() => {}) });
    open(kling);
    const input = page().querySelector<HTMLInputElement>("input[type=file]") as HTMLInputElement;
    vi.stubGlobal("createImageBitmap", async () => ({ width: 10, height: 10, close: () => {} }));
    Object.defineProperty(input, "files", { value: [new File(["x"], "fox.jpg", { type: "image/jpeg" })] });
    input.dispatchEvent(new Event("change", { bubbles: true }));
    await until(() => of("/uploads").length === 1);
    flushSync();
    page().querySelector<HTMLInputElement>("[role=switch]")?.click();
    flushSync();
    expect(of("/uploads")[0]?.signal?.aborted).toBe(false);
    expect(main()?.disabled).toBe(true);
    await Promise.all(mounted.map((one) => unmount(one)));
    mounted = [];
    expect(of("/uploads")[0]?.signal?.aborted).toBe(true);
  });

  it("leads to what follows a model that was switched off meanwhile", async () => {
    service({
      "POST /generations": () => ({ status: 409, body: { code: "model_unavailable", successor: "veo3-fast" } }),
    });
    open(kling);
    await type("a fox");
    await until(() => main()?.getAttribute("aria-disabled") === "false");
    main()?.click();
    await until(() => text().includes("Open Veo 3.1 Fast"));
  });

  it("says that the app has to be opened again when Telegram's word is too old", async () => {
    service({ "POST /generations": () => ({ status: 401, body: { code: "init_data_expired" } }) });
    open(kling);
    await type("a fox");
    await until(() => main()?.getAttribute("aria-disabled") === "false");
    main()?.click();
    await until(() => app.hasExpired);
    app.hasExpired = false;
  });
});

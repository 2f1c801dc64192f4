// What the whole app knows: who asks, what can be made, and which page is open.
import { api } from "../api/client";
import { OFFLINE, Problem } from "../api/problem";
import type { Me, Model } from "../api/types";
import { Drafts, deviceStorage } from "../form/drafts";
import { launch } from "../telegram/client.svelte";
import { speak } from "../texts/index.svelte";
import { type Entry, familyOf } from "./entry";

export type View =
  | { page: "models" }
  | { page: "form"; slug: string; family: string[] }
  | { page: "ended"; slug: string }
  | { page: "history" }
  | { page: "generation"; code: string; isNew?: boolean }
  | { page: "topup"; missing?: string };

const EXPIRED = new Set(["init_data_expired", "init_data_invalid", "init_data_missing"]);

class App {
  me = $state.raw<Me | null>(null);
  models = $state.raw<Model[] | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** Whether Telegram's word for who asks is too old: nothing works until the app is opened again. */
  hasExpired = $state(false);
  stack = $state.raw<View[]>([]);

  readonly view = $derived(this.stack.at(-1) ?? null);
  readonly orderable = $derived((this.models ?? []).filter((model) => !model.retired));
  readonly drafts = new Drafts(deviceStorage(), launch.userId);

  readonly #singles = new Map<string, Model>();

  /** Ask who is there and what can be made, and open the page that the address names. */
  async begin(entry: Entry): Promise<void> {
    this.problem = null;
    const me = this.refresh();
    // Whichever fails first is shown; the other one is of no interest then.
    me.catch(() => {});
    try {
      if (entry.page === "topup" || entry.page === "history") this.stack = [{ page: entry.page }];
      const models = api.models().then(({ items }) => {
        this.models = items;
      });
      models.catch(() => {});
      if (entry.page === "model") await this.#open(entry, models);
      await Promise.all([models, me]);
      if (!this.stack.length) this.stack = [{ page: "models" }];
    } catch (error) {
      this.fail(error);
    }
  }

  async refresh(): Promise<void> {
    this.me = await api.me();
    speak(this.me.language);
  }

  /** Take note of a balance that an answer told. */
  setBalance(balance: string): void {
    if (this.me && this.me.balance !== balance) this.me = { ...this.me, balance };
  }

  /** Show what kept a page from being shown. */
  fail(error: unknown): void {
    const problem = this.noted(error);
    if (!this.hasExpired) this.problem = problem;
  }

  /** A problem, after seeing whether it is one of the whole app. */
  noted(error: unknown): Problem {
    const problem = error instanceof Problem ? error : new Problem(OFFLINE);
    if (EXPIRED.has(problem.code)) this.hasExpired = true;
    if (!(error instanceof Problem)) throw error;
    return problem;
  }

  async model(slug: string): Promise<Model> {
    const known = this.models?.find((model) => model.slug === slug) ?? this.#singles.get(slug);
    if (known) return known;
    const model = await api.model(slug);
    this.#singles.set(slug, model);
    return model;
  }

  open(view: View): void {
    this.stack = [...this.stack, view];
  }

  /** Open a model's form. */
  openModel(slug: string, family: string[] = [slug]): void {
    this.open({ page: "form", slug, family });
  }

  replace(view: View): void {
    this.stack = [...this.stack.slice(0, -1), view];
  }

  back(): void {
    if (this.stack.length > 1) this.stack = this.stack.slice(0, -1);
  }

  /** Leave everything behind but the first page. */
  home(): void {
    this.stack = [{ page: "models" }];
  }

  async #open(entry: Extract<Entry, { page: "model" }>, models: Promise<void>): Promise<void> {
    if (entry.slug) {
      try {
        const model = await this.model(entry.slug);
        this.stack = [this.#viewOf(model, [])];
        return;
      } catch (error) {
        if (!(error instanceof Problem) || ![404, 409].includes(error.status)) throw error;
      }
    }
    await models;
    const family = familyOf(this.models ?? [], entry.family || entry.slug);
    const first = family.find((model) => !model.retired) ?? family[0];
    if (first) {
      const slugs = family.filter((model) => !model.retired).map((model) => model.slug);
      this.stack = [this.#viewOf(first, slugs)];
    }
  }

  #viewOf(model: Model, family: string[]): View {
    return model.retired ? { page: "ended", slug: model.slug } : { page: "form", slug: model.slug, family };
  }
}

export const app = new App();

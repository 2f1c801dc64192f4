// What somebody has typed and not ordered yet. Kept on the device, for each person and model: another one never sees it.
import type { Continuation, Params, Role } from "../api/types";

export interface KeptFile {
  code: string;
  role: Role;
  mime: string;
  name: string;
  seconds: number;
}

export interface Draft {
  prompt: string;
  params: Params;
  files: KeptFile[];
  /** Whether files were on their way when the form was left: they are gone, and the person is told so. */
  hasUnsent?: boolean;
  /** The order that was sent without hearing what became of it: its key, and what it was for. */
  pending?: { key: string; print: string };
  parent?: string;
  continuation?: Continuation;
  sourceUrl?: string;
}

interface Kept extends Draft {
  v: number;
  at: number;
}

const VERSION = 1;
const PREFIX = "nb:draft:";
const MOST = 30;
const LIFETIME = 30 * 24 * 3600 * 1000;

export class Drafts {
  constructor(
    private readonly store: Storage | null,
    private readonly userId: string,
    private readonly clock: () => number = Date.now,
  ) {}

  read(model: string): Draft | null {
    const kept = this.#parsed(this.#key(model));
    if (!kept) return null;
    const { v, at, ...draft } = kept;
    return draft;
  }

  /** Keep a draft; one with nothing in it is forgotten. Without room on the device the form works all the same. */
  write(model: string, draft: Draft): void {
    if (!this.userId || !this.store) return;
    if (
      !draft.prompt.trim() &&
      !draft.files.length &&
      !Object.keys(draft.params).length &&
      !draft.pending &&
      !draft.hasUnsent
    ) {
      this.forget(model);
      return;
    }
    const kept: Kept = { ...draft, v: VERSION, at: this.clock() };
    try {
      this.store.setItem(this.#key(model), JSON.stringify(kept));
      this.#tidy();
    } catch {
      // Private windows have no room at all.
    }
  }

  forget(model: string): void {
    try {
      this.store?.removeItem(this.#key(model));
    } catch {
      // Nothing was kept, then.
    }
  }

  #key(model: string): string {
    return `${PREFIX}${this.userId}:${model}`;
  }

  #parsed(key: string): Kept | null {
    if (!this.userId) return null;
    try {
      const kept = JSON.parse(this.store?.getItem(key) ?? "null") as Kept | null;
      const isGood =
        kept?.v === VERSION &&
        this.clock() - kept.at < LIFETIME &&
        typeof kept.prompt === "string" &&
        Array.isArray(kept.files) &&
        typeof kept.params === "object";
      return isGood ? kept : null;
    } catch {
      return null;
    }
  }

  #tidy(): void {
    const own = `${PREFIX}${this.userId}:`;
    const keys = Array.from({ length: this.store?.length ?? 0 }, (_, at) => this.store?.key(at) ?? "").filter((key) =>
      key.startsWith(own),
    );
    const aged = keys.map((key) => ({ key, at: this.#parsed(key)?.at ?? 0 })).sort((a, b) => b.at - a.at);
    for (const { key } of aged.slice(MOST)) this.store?.removeItem(key);
    for (const { key, at } of aged) if (at === 0) this.store?.removeItem(key);
  }
}

/** The storage of the browser, where it lets us have one. */
export function deviceStorage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

// Brings one file to the storage: announced to the service, sent straight to the storage, then looked at by the service.
import { OFFLINE, Problem, SLOW } from "../api/problem";
import type { Upload } from "../api/types";
import { type Prepared, prepare, Unusable } from "./shrink";

export type State = "preparing" | "sending" | "checking" | "ready" | "failed";

export interface Progress {
  state: State;
  /** Share of the bytes that were sent, 0 to 1. */
  share: number;
  problem: Problem | null;
  upload: Upload | null;
}

export interface Service {
  announce(body: { mime: string; size: number }, key: string, signal?: AbortSignal): Promise<Upload>;
  complete(code: string, signal?: AbortSignal): Promise<Upload>;
}

export type Put = (
  target: NonNullable<Upload["put"]>,
  blob: Blob,
  sent: (share: number) => void,
  signal: AbortSignal,
) => Promise<void>;

const PATIENCE = 120_000;

/** Send bytes with a progress that can be seen, which `fetch` has none of. */
export const put: Put = (target, blob, sent, signal) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(target.method, target.url);
    for (const [name, value] of Object.entries(target.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && sent(event.loaded / event.total);
    request.onload = () =>
      request.status < 300 ? resolve() : reject(new Problem(storageCode(request), request.status));
    request.onerror = () => reject(new Problem(OFFLINE));
    request.ontimeout = () => reject(new Problem(SLOW));
    request.onabort = () => reject(new DOMException("Stopped", "AbortError"));
    request.timeout = PATIENCE;
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(blob);
  });

function storageCode(request: XMLHttpRequest): string {
  try {
    const { code } = JSON.parse(request.responseText) as { code?: unknown };
    return typeof code === "string" ? code : "storage_unavailable";
  } catch {
    return "storage_unavailable";
  }
}

/** One file on its way. It can be stopped at any moment, and tried again after a failure. */
export class Transfer {
  #now: Progress = { state: "preparing", share: 0, problem: null, upload: null };
  #stopped = new AbortController();
  #prepared: Prepared | null = null;
  #key = crypto.randomUUID() as string;

  constructor(
    private readonly file: File,
    private readonly limits: { mime_types: string[]; max_bytes: number },
    private readonly service: Service,
    private readonly tell: (progress: Progress) => void,
    private readonly send: Put = put,
    private readonly ready: typeof prepare = prepare,
  ) {}

  /** Bring it there; resolves when it is there or cannot be. Never rejects. */
  async run(): Promise<void> {
    this.#stopped = new AbortController();
    const { signal } = this.#stopped;
    this.#change({ state: "preparing", share: 0, problem: null });
    try {
      this.#prepared ??= await this.ready(this.file, this.limits);
      signal.throwIfAborted();
      await this.#bring(this.#prepared, signal);
    } catch (error) {
      if (!signal.aborted) this.#change({ state: "failed", problem: this.#problem(error) });
    }
  }

  /** Stop it for good. Bytes that have arrived are forgotten by the service on its own. */
  stop(): void {
    this.#stopped.abort();
  }

  async #bring({ blob, mime }: Prepared, signal: AbortSignal): Promise<void> {
    this.#change({ state: "sending" });
    const announced = await this.service.announce({ mime, size: blob.size }, this.#key, signal);
    if (announced.put) {
      await this.send(announced.put, blob, (share) => !signal.aborted && this.#change({ share }), signal);
    }
    signal.throwIfAborted();
    this.#change({ state: "checking", share: 1 });
    const upload = announced.put ? await this.service.complete(announced.code, signal) : announced;
    signal.throwIfAborted();
    this.#change({ state: "ready", upload });
  }

  #problem(error: unknown): Problem {
    // What is over for the service needs to be announced anew.
    if (error instanceof Problem && !error.isUncertain) this.#key = crypto.randomUUID();
    if (error instanceof Unusable) return new Problem(error.code, 422, { limit: error.limit });
    return error instanceof Problem ? error : new Problem("kind_not_supported", 422);
  }

  #change(part: Partial<Progress>): void {
    this.#now = { ...this.#now, ...part };
    this.tell(this.#now);
  }
}

// A form that is being filled: the words, the options, the files, what they cost, and how they are ordered.
import { api } from "../api/client";
import { Problem } from "../api/problem";
import type { Continuation, Generation, Model, OrderBody, Params, Repeat, Role, Slot, Value } from "../api/types";
import { type Progress, Transfer } from "../files/transfer";
import type { Draft, Drafts, KeptFile } from "./drafts";
import { type Priced, Quoter } from "./quotes";
import { fits, optionsOf, settle, withDefaults } from "./schema";
import { closedBy, complaints, demandedBy, type Filled, isShown, mostOf } from "./slots";
import { Submission } from "./submission";

export interface Given {
  id: number;
  role: Role;
  name: string;
  mime: string;
  preview: string | null;
  progress: Progress;
  transfer: Transfer | null;
}

const READY: Progress = { state: "ready", share: 1, problem: null, upload: null };
let lastId = 0;

/** How many characters a text has as the server counts them: an emoji is one or a few, never half of one. */
export const lengthOf = (text: string) => [...text].length;

export class Form {
  prompt = $state("");
  chosen = $state<Params>({});
  files = $state<Given[]>([]);
  priced = $state.raw<Priced>({ quote: null, problem: null, isFresh: false });
  isSending = $state(false);
  /** Options that were changed so that all go together, until the next tap. */
  adjusted = $state<string[]>([]);
  parent = $state<string | undefined>();
  continuation = $state<Continuation | undefined>();
  sourceUrl = $state<string | undefined>();
  /** Whether files of a draft or of an earlier order are gone meanwhile. */
  hasLostFiles = $state(false);

  readonly params = $derived.by(() => withDefaults(this.model.params, this.chosen));
  readonly filled = $derived.by(() => countOf(this.files));
  readonly options = $derived.by(() =>
    optionsOf(this.model.params).filter(([, option]) => isShown(option, this.filled)),
  );
  readonly demanded = $derived.by(() => demandedBy(this.model.inputs, this.filled));
  readonly slots = $derived.by(() => (this.continuation || this.sourceUrl ? [] : this.model.inputs));
  readonly isUploading = $derived.by(() =>
    this.files.some(({ progress }) => !["ready", "failed"].includes(progress.state)),
  );
  readonly hasFailedFiles = $derived.by(() => this.files.some(({ progress }) => progress.state === "failed"));
  readonly complaints = $derived.by(() => (this.slots.length ? complaints(this.model, this.filled, this.params) : []));
  readonly length = $derived.by(() => lengthOf(this.prompt));
  readonly isTooLong = $derived.by(() => this.length > this.model.max_prompt_length);
  readonly needsPrompt = $derived.by(() => this.model.kind !== "text" && !this.continuation);
  readonly isDirty = $derived.by(() => this.prompt.trim() !== "" || this.files.length > 0);

  readonly #quoter = new Quoter(api.quote, (priced) => {
    this.priced = priced;
  });
  #submission: Submission;
  /** Whether it was ordered: nothing of it is a draft any more. */
  #isOver = false;
  #draft: Pick<Draft, "pending"> = {};

  constructor(
    readonly model: Model,
    private readonly drafts: Drafts,
  ) {
    const draft = drafts.read(model.slug);
    if (draft?.pending) this.#draft = { pending: draft.pending };
    this.#submission = new Submission(api.order, draft?.pending ?? null, (pending) => {
      this.#draft = pending ? { pending } : {};
      this.keep();
    });
    if (draft) this.#restore(draft);
    // A model may want an option that has no default, and an old draft may hold what is not valid any more.
    if (!fits(model.params, this.params)) this.chosen = settle(model.params, $state.snapshot(this.chosen), []);
  }

  /** Ask for the price of what is chosen. */
  price(delay?: number): void {
    this.#quoter.want(this.model.slug, this.params, delay);
  }

  stop(): void {
    this.#quoter.stop();
    for (const file of this.files) file.transfer?.stop();
  }

  /** Keep what is there for another time. */
  keep(): void {
    if (this.#isOver) return;
    const files: KeptFile[] = this.files.flatMap(({ role, mime, name, progress }) =>
      progress.upload ? [{ code: progress.upload.code, role, mime, name, seconds: progress.upload.seconds }] : [],
    );
    this.drafts.write(this.model.slug, {
      prompt: this.prompt,
      params: $state.snapshot(this.chosen),
      files,
      ...(this.isUploading ? { hasUnsent: true } : {}),
      ...this.#draft,
      ...(this.parent ? { parent: this.parent } : {}),
      ...(this.continuation ? { continuation: $state.snapshot(this.continuation) } : {}),
      ...(this.sourceUrl ? { sourceUrl: this.sourceUrl } : {}),
    });
  }

  choose(name: string, value: Value): void {
    this.#settle({ ...this.chosen, [name]: value }, [name]);
  }

  /** Whether a filled slot keeps an option from having a value. */
  isRefused(name: string, value: Value): Role | null {
    const slot = this.model.inputs.find(
      ({ role, requires }) => (this.filled[role] ?? 0) > 0 && requires[name] && !requires[name].includes(value),
    );
    return slot?.role ?? null;
  }

  /** Put files into a slot, in the place of one or behind the others. */
  add(slot: Slot, files: readonly File[], inPlaceOf?: number): void {
    const at = inPlaceOf === undefined ? -1 : this.files.findIndex(({ id }) => id === inPlaceOf);
    if (at >= 0 && files[0]) {
      this.#release(this.files[at]);
      this.files[at] = this.#begin(slot, files[0]);
    } else {
      const room = mostOf(slot, this.filled) - (this.filled[slot.role] ?? 0);
      this.files.push(...files.slice(0, Math.max(0, room)).map((file) => this.#begin(slot, file)));
    }
    this.#settle($state.snapshot(this.chosen), []);
  }

  remove(id: number): void {
    const gone = this.files.find((file) => file.id === id);
    this.#release(gone);
    this.files = this.files.filter((file) => file.id !== id);
    this.keep();
    this.price();
  }

  again(id: number): void {
    void this.files.find((file) => file.id === id)?.transfer?.run();
  }

  /** Move a file one place forward or back among those of its slot. */
  move(id: number, by: -1 | 1): void {
    const moved = this.files.find((file) => file.id === id);
    const fellows = this.files.filter((file) => file.role === moved?.role);
    const other = fellows[fellows.findIndex((file) => file.id === id) + by];
    if (!moved || !other) return;
    const [a, b] = [this.files.indexOf(moved), this.files.indexOf(other)];
    [this.files[a], this.files[b]] = [other, moved];
    this.keep();
  }

  /** Take away the files that the server does not have any more, as its refusal names them. */
  dropMissing(refusal: Problem): void {
    const errors = refusal.facts.errors as { param?: string }[] | undefined;
    const numbers = new Set((errors ?? []).map(({ param }) => Number(/^inputs\.(\d+)/.exec(param ?? "")?.[1] ?? -1)));
    const sent = this.files.filter(({ progress }) => progress.upload);
    this.files = this.files.filter((file) => !numbers.has(sent.indexOf(file)));
    this.keep();
  }

  closed(slot: Slot) {
    return closedBy(slot, this.filled, this.model.inputs);
  }

  /** Fill the form with what was ordered before. */
  fill(repeat: Pick<Repeat, "prompt" | "params" | "inputs" | "parent" | "continuation" | "source_url">): void {
    this.#release(...this.files);
    this.prompt = repeat.prompt;
    this.chosen = this.#known(repeat.params);
    this.parent = repeat.parent ?? undefined;
    this.continuation = repeat.continuation ?? undefined;
    this.sourceUrl = repeat.source_url || undefined;
    this.files = repeat.inputs.flatMap(({ upload, role, mime, seconds, url }) =>
      upload ? [kept({ code: upload, role: this.#roleOf(role, mime), mime, name: "", seconds }, url)] : [],
    );
    this.hasLostFiles = this.files.length < repeat.inputs.length;
    this.keep();
    this.price(0);
  }

  /** Begin anew, with what the form was opened for. */
  clear(): void {
    this.#release(...this.files);
    Object.assign(this, { prompt: "", chosen: {}, files: [], adjusted: [], hasLostFiles: false });
    this.drafts.forget(this.model.slug);
    this.price(0);
  }

  /** Leave a link or an earlier result aside, and work from files of one's own. */
  detach(): void {
    Object.assign(this, { parent: undefined, continuation: undefined, sourceUrl: undefined });
    this.keep();
  }

  body(agreed: string): OrderBody {
    return {
      model: this.model.slug,
      prompt: this.prompt.trim(),
      params: this.#sent(),
      inputs: this.files.flatMap(({ role, progress }) =>
        progress.upload ? [{ upload: progress.upload.code, role }] : [],
      ),
      ...(this.parent ? { parent: this.parent } : {}),
      ...(this.continuation ? { continuation: $state.snapshot(this.continuation) } : {}),
      ...(this.sourceUrl ? { source_url: this.sourceUrl } : {}),
      agreed,
    };
  }

  /** Order it at the price that is shown. The draft is forgotten once the order was taken. */
  async order(agreed: string): Promise<Generation> {
    this.isSending = true;
    try {
      const generation = await this.#submission.submit(this.body(agreed));
      this.#isOver = true;
      this.drafts.forget(this.model.slug);
      return generation;
    } finally {
      this.isSending = false;
    }
  }

  /** What is sent: options that mean nothing beside the files are left to their defaults. */
  #sent(): Params {
    const shown = new Set(this.options.map(([name]) => name));
    return Object.fromEntries(Object.entries(this.params).filter(([name]) => shown.has(name)));
  }

  #settle(chosen: Params, kept: string[]): void {
    const before = withDefaults(this.model.params, chosen);
    const settled = settle(this.model.params, chosen, kept, this.demanded);
    const after = withDefaults(this.model.params, settled);
    this.adjusted = Object.keys(after).filter((name) => !kept.includes(name) && after[name] !== before[name]);
    this.chosen = settled;
    this.keep();
    this.price();
  }

  #begin(slot: Slot, file: File): Given {
    const given: Given = $state({
      id: ++lastId,
      role: slot.role,
      name: file.name,
      mime: file.type,
      preview: URL.createObjectURL(file),
      progress: { state: "preparing", share: 0, problem: null, upload: null },
      transfer: null,
    });
    const transfer = new Transfer(file, slot, api, (progress) => {
      given.progress = this.#judged(slot, progress);
      if (progress.state === "ready") this.keep();
    });
    given.transfer = transfer;
    void transfer.run();
    return given;
  }

  #judged(slot: Slot, progress: Progress): Progress {
    const seconds = progress.upload?.seconds ?? 0;
    if (progress.state !== "ready" || slot.max_seconds === null || seconds <= slot.max_seconds + 0.5) return progress;
    const problem = new Problem("video_too_long", 422, { limit: slot.max_seconds, seconds });
    return { ...progress, state: "failed", problem, upload: null };
  }

  #release(...files: (Given | undefined)[]): void {
    for (const file of files) {
      file?.transfer?.stop();
      if (file?.preview?.startsWith("blob:")) URL.revokeObjectURL(file.preview);
    }
  }

  #restore(draft: Draft): void {
    this.prompt = draft.prompt;
    this.chosen = this.#known(draft.params);
    this.parent = draft.parent;
    this.continuation = draft.continuation;
    this.sourceUrl = draft.sourceUrl;
    this.hasLostFiles = draft.hasUnsent === true;
    const known = draft.files.filter(({ role }) => this.model.inputs.some((slot) => slot.role === role));
    this.files = known.map((file) => kept(file, null));
    for (const file of this.files) void this.#lookUp(file.id);
  }

  async #lookUp(id: number): Promise<void> {
    const file = this.files.find((one) => one.id === id);
    const code = file?.progress.upload?.code;
    if (!file || !code) return;
    try {
      const upload = await api.upload(code);
      if (upload.state !== "ready") throw new Problem("unknown_upload", 404);
      file.preview = upload.url;
      file.progress = { ...READY, upload };
    } catch (error) {
      // What nobody could be asked about is tried as it is; what is gone is said to be gone.
      if (!(error instanceof Problem) || error.isUncertain || error.status === 401) return;
      this.hasLostFiles = true;
      this.remove(id);
    }
  }

  /** Options that the model still has: it may have been edited since. */
  #known(params: Params): Params {
    return Object.fromEntries(Object.entries(params).filter(([name]) => this.model.params.properties?.[name]));
  }

  #roleOf(role: Role, mime: string): Role {
    if (this.model.inputs.some((slot) => slot.role === role)) return role;
    const isVideo = mime.startsWith("video/");
    return this.model.inputs.find((slot) => (slot.role === "video") === isVideo)?.role ?? role;
  }
}

function countOf(files: readonly Given[]): Filled {
  const filled: Filled = {};
  for (const { role, progress } of files) {
    if (progress.state !== "failed") filled[role] = (filled[role] ?? 0) + 1;
  }
  return filled;
}

function kept({ code, role, mime, name, seconds }: KeptFile, preview: string | null): Given {
  const upload = {
    code,
    state: "ready" as const,
    mime,
    size: 0,
    width: 0,
    height: 0,
    seconds,
    put: null,
    url: preview,
  };
  const given: Given = $state({
    id: ++lastId,
    role,
    name,
    mime,
    preview,
    progress: { ...READY, upload },
    transfer: null,
  });
  return given;
}

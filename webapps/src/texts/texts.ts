// What the app says, in every language: a text that is missing is no text at all for the compiler.

/** What comes with a problem; what did not come is an empty text. */
type Facts = Readonly<Record<"missing" | "price" | "limit" | "seconds", string>>;
type Say<T> = (value: T) => string;

export interface Texts {
  app: string;
  loading: string;
  again: string;
  back: string;
  close: string;
  more: string;

  models: string;
  kinds: Record<"video" | "image" | "text", string>;
  from: Say<string>;
  about: Say<number>;
  balance: string;
  topUp: string;
  history: string;
  ended: string;
  endedLong: Say<string>;
  instead: Say<string>;
  noModels: string;
  model: string;
  chooseModel: string;

  prompt: string;
  promptHint: Record<"video" | "image" | "text", string>;
  promptKept: string;
  optional: string;
  clear: string;
  settings: string;
  files: string;
  less: Say<string>;
  moreOf: Say<string>;
  adjusted: Say<string>;
  refusedBy: Say<string>;
  asProvided: string;

  addPhoto: string;
  addVideo: string;
  upTo: Say<number>;
  needed: string;
  replace: string;
  remove: string;
  earlier: string;
  later: string;
  retryUpload: string;
  stopUpload: string;
  preparing: string;
  sending: Say<number>;
  checking: string;
  photoNumber: (slot: string, n: number) => string;
  tokenHint: Say<number>;
  videoLimits: (seconds: number, bytes: number) => string;
  photoLimits: Say<number>;
  lostFiles: string;
  fromLink: string;
  continues: Record<"vary" | "upscale" | "animate" | "extend", string>;
  resultNumber: Say<number>;

  create: Say<string>;
  createPlain: string;
  price: string;
  lack: Say<string>;
  left: Say<number>;
  short: Say<string>;
  sendingOrder: string;
  taken: string;
  newPrice: Say<string>;
  uncertain: string;
  complaint: {
    prompt: string;
    promptTooLong: Say<number>;
    uploading: string;
    failed: string;
    missing: Say<string>;
    needs: (slot: string, other: string) => string;
    excludes: (slot: string, other: string) => string;
    tooMany: (slot: string, n: number) => string;
    tooManyImages: Say<number>;
    requires: (slot: string, option: string, values: string) => string;
  };

  statuses: Record<"queued" | "processing" | "done" | "error" | "cancelled", string>;
  queuePlace: Say<number>;
  elapsed: (passed: number, usual: number) => string;
  comesInChat: string;
  cancel: string;
  cancelled: string;
  repeat: string;
  repeatShort: string;
  another: string;
  refunded: Say<string>;
  partly: (made: number, ordered: number) => string;
  fileGone: string;
  open: string;
  copy: string;
  copied: string;
  followUps: Record<"vary" | "upscale" | "animate" | "extend", string>;
  noHistory: string;
  startCreating: string;

  packages: string;
  payWith: string;
  gateways: { stars: string; card: string };
  perMonth: string;
  bonus: Say<string>;
  firstBonus: (percent: string, most: string) => string;
  pay: Say<string>;
  noPackages: string;
  waitingForPayment: string;
  waitingHint: string;
  openPayment: string;
  paid: Say<string>;
  paidHint: Say<string>;
  backToForm: string;
  orderStates: Record<"failed" | "expired" | "refunding" | "refunded" | "held", string>;
  newOrder: string;

  outside: string;
  outsideLong: string;
  openBot: string;
  reopen: string;
  reopenLong: string;
  stillHere: string;

  /** What every code of docs/app-api.md means for a person, and what to do. */
  problems: Record<string, (facts: Facts) => string>;
  /** Why a generation did not work. */
  failures: Record<string, string> & { other: string };
}

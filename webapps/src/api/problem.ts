// Why the service did not do what it was asked for, as application/problem+json tells it.

/** Codes of our own, for what never reached the service. */
export const OFFLINE = "offline";
export const SLOW = "slow";
export const BROKEN = "broken";

export class Problem extends Error {
  override readonly name = "Problem";

  /**
   * @param code stable name: of docs/app-api.md, or one of ours.
   * @param facts what came with it: `limit`, `price`, `seconds`, `errors`, …
   */
  constructor(
    readonly code: string,
    readonly status = 0,
    readonly facts: Readonly<Record<string, unknown>> = {},
  ) {
    super(code);
  }

  /** Whether the service may have done it nevertheless: the same key has to be used again. */
  get isUncertain(): boolean {
    return this.status === 0 || this.status >= 500;
  }

  /** Whether asking again a little later may help. */
  get isPassing(): boolean {
    return this.isUncertain || this.status === 429;
  }

  text(name: string): string {
    const value = this.facts[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  }

  number(name: string): number {
    return Number(this.facts[name] ?? 0) || 0;
  }

  list(name: string): string[] {
    const value = this.facts[name];
    return Array.isArray(value) ? value.map(String) : [];
  }
}

/** The problem in an answer that is none of success. */
export async function problemIn(answer: Response): Promise<Problem> {
  let facts: Record<string, unknown> = {};
  try {
    facts = (await answer.json()) as Record<string, unknown>;
  } catch {
    // A proxy in between answers with a page of its own.
  }
  const wait = Number(answer.headers.get("Retry-After"));
  if (wait && facts.seconds === undefined) facts = { ...facts, seconds: wait };
  return new Problem(typeof facts.code === "string" ? facts.code : BROKEN, answer.status, facts);
}

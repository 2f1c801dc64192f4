// What Telegram said when it opened the app. It stands behind the # of the address and is kept in memory only.

export interface Launch {
  /** Raw init data: as good as a password while it lives. Never logged, stored or put into an address. */
  initData: string;
  version: string;
  platform: string;
  theme: Record<string, string>;
  startParam: string;
  userId: string;
  language: string;
}

/** Read the fragment of the address. A fragment may have words of its own in front. */
export function readLaunch(hash: string, search = ""): Launch {
  const fields = new URLSearchParams(hash.replace(/^#/, "").replace(/^[^=&]*\?/, ""));
  const initData = fields.get("tgWebAppData") ?? "";
  const data = new URLSearchParams(initData);
  const user = objectIn(data.get("user"));
  return {
    initData,
    version: fields.get("tgWebAppVersion") ?? "",
    platform: fields.get("tgWebAppPlatform") ?? "",
    theme: colours(objectIn(fields.get("tgWebAppThemeParams"))),
    startParam: data.get("start_param") ?? new URLSearchParams(search).get("tgWebAppStartParam") ?? "",
    userId: user.id === undefined ? "" : String(user.id),
    language: typeof user.language_code === "string" ? user.language_code : "",
  };
}

/** Say whether a client knows what came with a version. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** The colours among the theme's parameters; what is no colour is left out. */
export function colours(theme: Record<string, unknown>): Record<string, string> {
  const entries = Object.entries(theme).filter(
    ([, value]) => typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value),
  );
  return Object.fromEntries(entries as [string, string][]);
}

function objectIn(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

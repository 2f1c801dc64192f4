// Which page an address opens: /webapps/<family>/, ?model=<slug>, or a link t.me/<bot>/<app>?startapp=<slug>.
import type { Model } from "../api/types";

export type Entry = { page: "models" | "history" | "topup" } | { page: "model"; slug: string; family: string };

const PAGES = ["history", "topup"] as const;
const INVITATION = /^ref_/i;

/** The page for an address. What a link carried goes first, as whoever made it meant just that. */
export function entryOf(path: string, search: string, startParam: string): Entry {
  const asked = new URLSearchParams(search).get("model") ?? (INVITATION.test(startParam) ? "" : startParam);
  const last =
    path
      .replace(/^.*\/webapps(?=\/|$)/, "")
      .split("/")
      .filter(Boolean)[0] ?? "";
  const page = PAGES.find((one) => one === (asked || last));
  if (page) return { page };
  if (asked || last) return { page: "model", slug: asked, family: last };
  return { page: "models" };
}

/** A name without what names are written with in addresses: midjourney_video is midjourney-video. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** The models whose names begin with that of the family, in the order of the catalogue. */
export function familyOf(models: readonly Model[], family: string): Model[] {
  const wanted = plain(family);
  return wanted ? models.filter((model) => plain(model.slug).startsWith(wanted)) : [];
}

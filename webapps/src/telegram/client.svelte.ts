// The Telegram client as the app uses it: theme, insets, buttons, haptics, invoices. What an old client does not know is
// left out, and where a client has no button of its own, the page shows one.
import { hasClient, on, post } from "./bridge";
import { colours, isAtLeast, readLaunch } from "./launch";
import { paint, paletteOf } from "./theme";

export const launch = readLaunch(location.hash, location.search);

/** Whether Telegram opened the app, so that it is known who asks. */
export const isInside = launch.initData !== "";

const knows = (version: string) => hasClient && launch.version !== "" && isAtLeast(launch.version, version);

/** Whether the client shows a main button below the page, and a second one beside it. */
export const hasMainButton = isInside && knows("6.0");
export const hasSecondButton = isInside && knows("7.10");

let theme = launch.theme;
let palette = paletteOf(theme, false);

function repaint(): void {
  palette = paletteOf(theme, matchMedia("(prefers-color-scheme: dark)").matches);
  paint(palette, document.documentElement);
  if (knows("6.9")) post("web_app_set_header_color", { color: palette.page as `#${string}` });
  if (knows("6.1")) post("web_app_set_background_color", { color: palette.page as `#${string}` });
  if (knows("7.10")) post("web_app_set_bottom_bar_color", { color: palette.page as `#${string}` });
  showButtons();
}

type Insets = Partial<Record<"top" | "right" | "bottom" | "left", number>>;

function inset(prefix: string) {
  return (insets: Insets | undefined) => {
    for (const side of ["top", "right", "bottom", "left"] as const) {
      document.documentElement.style.setProperty(`--${prefix}-${side}`, `${insets?.[side] ?? 0}px`);
    }
  };
}

/** Tell the client that the page is there, take its theme and room, and follow both. */
export function start(): void {
  repaint();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  if (!hasClient) return;
  on("theme_changed", (data) => {
    theme = colours((data.theme_params ?? {}) as Record<string, unknown>);
    repaint();
  });
  on("safe_area_changed", inset("safe"));
  on("content_safe_area_changed", inset("content"));
  post("iframe_ready", {});
  post("web_app_ready");
  post("web_app_expand");
  if (knows("8.0")) {
    post("web_app_request_safe_area");
    post("web_app_request_content_safe_area");
  }
  // Scrolling a long form must not drag the window shut.
  if (knows("7.7")) post("web_app_setup_swipe_behavior", { allow_vertical_swipe: false });
}

export function close(): void {
  post("web_app_close");
}

export interface Button {
  text: string;
  isActive?: boolean;
  isBusy?: boolean;
  /** Whether it cannot be pressed for a moment, which is too short to look different. */
  isWaiting?: boolean;
  press: () => void;
}

const pressed: { main?: () => void; second?: () => void; back?: () => void } = {};
on("main_button_pressed", () => pressed.main?.());
on("secondary_button_pressed", () => pressed.second?.());
on("back_button_pressed", () => pressed.back?.());

const buttons: { main: Button | null; second: Button | null } = { main: null, second: null };
/** What the client was told last, so that it is told nothing twice. */
const told = { main: "", second: "" };

/** Show the client's main button, or none. */
export function setMainButton(button: Button | null): void {
  if (!hasMainButton) return;
  buttons.main = button;
  if (button) pressed.main = button.press;
  else delete pressed.main;
  showButtons();
}

/** Show the client's second button, or none. */
export function setSecondButton(button: Button | null): void {
  if (!hasSecondButton) return;
  buttons.second = button;
  if (button) pressed.second = button.press;
  else delete pressed.second;
  showButtons();
}

function showButtons(): void {
  const { main, second } = buttons;
  const [ground, words] =
    main?.isActive === false ? [palette.fill, palette.hint] : [palette.button, palette.buttonText];
  const mainNow = looks(main, ground, words);
  if (hasMainButton && isNews("main", mainNow)) post("web_app_setup_main_button", mainNow);
  const secondNow = { ...looks(second, palette.page, palette.accent), position: "top" as const };
  if (hasSecondButton && isNews("second", secondNow)) post("web_app_setup_secondary_button", secondNow);
}

function looks(button: Button | null, ground: string, words: string) {
  if (button === null) return { is_visible: false };
  return {
    is_visible: true,
    is_active: (button.isActive ?? true) && !button.isWaiting,
    is_progress_visible: button.isBusy ?? false,
    text: button.text,
    color: ground as `#${string}`,
    text_color: words as `#${string}`,
  };
}

function isNews(which: keyof typeof told, now: object): boolean {
  const said = JSON.stringify(now);
  const before = told[which];
  told[which] = said;
  // A client begins without buttons.
  return said !== before && !(before === "" && said.startsWith('{"is_visible":false'));
}

/** Show the client's arrow back, or the cross only. */
export function setBackButton(press: (() => void) | null): void {
  if (press) pressed.back = press;
  else delete pressed.back;
  if (knows("6.1")) post("web_app_setup_back_button", { is_visible: press !== null });
}

export const hasBackButton = isInside && knows("6.1");

/** Have the client ask before it closes a form with something in it. */
export function confirmClosing(isNeeded: boolean): void {
  if (knows("6.2")) post("web_app_setup_closing_behavior", { need_confirmation: isNeeded });
}

export function feel(what: "select" | "success" | "error" | "warning" | "press"): void {
  if (!knows("6.1")) return;
  if (what === "select") post("web_app_trigger_haptic_feedback", { type: "selection_change" });
  else if (what === "press") post("web_app_trigger_haptic_feedback", { type: "impact", impact_style: "light" });
  else post("web_app_trigger_haptic_feedback", { type: "notification", notification_type: what });
}

/** The name of an invoice in its link: t.me/$name or t.me/invoice/name. */
export function invoiceIn(url: string): string | null {
  return /^https:\/\/t\.me\/(?:\$|invoice\/)([\w-]+)/.exec(url)?.[1] ?? null;
}

/** Open an invoice; resolves with what the client says, which proves nothing. */
export function openInvoice(url: string): Promise<string> {
  const slug = invoiceIn(url);
  if (slug === null || !knows("6.1")) {
    openLink(url);
    return Promise.resolve("pending");
  }
  return new Promise((resolve) => {
    const stop = on("invoice_closed", (data) => {
      if (data.slug !== slug) return;
      stop();
      resolve(data.status);
    });
    post("web_app_open_invoice", { slug });
  });
}

/** Open a page outside of Telegram. */
export function openLink(url: string): void {
  const target = new URL(url, location.href);
  if (target.hostname === "t.me" && hasClient)
    post("web_app_open_tg_link", { path_full: target.pathname + target.search });
  else if (hasClient) post("web_app_open_link", { url: target.href });
  else window.open(target.href, "_blank", "noopener");
}

// Mini Apps in an iframe. Speaks the protocol of Telegram Web: JSON {eventType, eventData} over postMessage.

import { api } from "./api.js";
import { alertBox, ask, open, payment, toast } from "./dialogs.js";
import { h, isDark, symbol } from "./dom.js";

const NAMED_COLOURS = { bg_color: "--panel", secondary_bg_color: "--page", bottom_bar_bg_color: "--panel" };
const LINK = "https://t.me/$";

class MiniApp {
  constructor(chat, title, button, close, openLink) {
    Object.assign(this, { chat, title, button, close, openLink, asksBeforeClosing: false });
    this.frame = h("iframe", { title, allow: "clipboard-write; fullscreen", sandbox: "allow-scripts allow-same-origin allow-forms allow-popups allow-downloads allow-modals" });
    this.loading = h("div", { class: "loading", "aria-label": "Loading" });
    this.back = h("button", { type: "button", class: "icon", hidden: true, "aria-label": "Back", onclick: () => this.send("back_button_pressed") }, symbol("back"));
    this.settings = h("button", { type: "button", class: "icon", hidden: true, "aria-label": "Settings", onclick: () => this.send("settings_button_pressed") }, symbol("tools"));
    this.main = h("button", { type: "button", hidden: true, onclick: () => this.send("main_button_pressed") });
    this.secondary = h("button", { type: "button", hidden: true, onclick: () => this.send("secondary_button_pressed") });
    this.buttons = h("div", { class: "app-buttons", hidden: true }, this.secondary, this.main);
    this.listen = (event) => this.receive(event);
    this.rethemed = () => this.retheme();
    addEventListener("message", this.listen);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.rethemed);
    this.frame.addEventListener("load", () => setTimeout(() => this.loading.remove(), 400));
    this.handlers = this.makeHandlers();
  }

  elements(dialog, botName) {
    this.dialog = dialog;
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); this.leave(); });
    const leave = h("button", { type: "button", class: "icon", "aria-label": "Close the app", onclick: () => this.leave() }, symbol("close"));
    return [h("header", {}, leave, this.back, h("strong", {}, this.title, h("small", {}, botName)), this.settings, h("span", { style: "width:44px" })),
      h("div", { class: "frame" }, this.frame, this.loading), this.buttons];
  }

  // The launch address carries init data signed for the person; it is asked for at the last moment, as it ages.
  async load(url, startParam) {
    const source = this.button ? "keyboard" : "button";
    this.launch = { url, source, start_param: startParam };
    this.frame.src = await this.address();
  }

  // The launch address of now, in the colours of now.
  async address() {
    const { url } = await api.webApp(this.chat, { ...this.launch, theme: isDark() ? "dark" : "light" });
    this.theme = JSON.parse(new URLSearchParams(new URL(url).hash.slice(1)).get("tgWebAppThemeParams"));
    return url;
  }

  async retheme() {
    if (!this.launch) return;
    try {
      await this.address();
      this.handlers.web_app_request_theme();
    } catch (problem) {
      toast(problem.message, true);
    }
  }

  send(eventType, eventData = {}) {
    this.frame.contentWindow?.postMessage(JSON.stringify({ eventType, eventData }), "*");
  }

  receive(event) {
    if (event.source !== this.frame.contentWindow) return;
    let message;
    try {
      message = typeof event.data === "string" ? JSON.parse(event.data) : event.data;
    } catch {
      return;
    }
    const data = typeof message.eventData === "string" ? JSON.parse(message.eventData || "{}") : message.eventData || {};
    this.handlers[message.eventType]?.(data);
  }

  async leave() {
    if (this.asksBeforeClosing) {
      const answer = await ask({ title: "Close the app?", text: "Changes that you made may not be saved.", buttons: [{ id: "stay", words: "Stay", style: "quiet" }, { id: "close", words: "Close" }] });
      if (answer !== "close") return;
    }
    this.close();
  }

  end() {
    removeEventListener("message", this.listen);
    matchMedia("(prefers-color-scheme: dark)").removeEventListener("change", this.rethemed);
  }

  setButton(element, data) {
    element.hidden = !data.is_visible;
    element.textContent = data.is_progress_visible ? "…" : data.text || "";
    element.disabled = data.is_active === false || Boolean(data.is_progress_visible);
    element.style.background = data.color || "";
    element.style.color = data.text_color || "";
    const first = ["left", "top"].includes(data.position || "left");
    if (element === this.secondary) {
      this.buttons.classList.toggle("stacked", ["top", "bottom"].includes(data.position));
      first ? this.buttons.prepend(element) : this.buttons.append(element);
    }
    this.buttons.hidden = this.main.hidden && this.secondary.hidden;
    this.handlers.web_app_request_viewport();
  }

  setColour(property, data) {
    const named = NAMED_COLOURS[data.color_key];
    const colour = data.color || (named ? `var(${named})` : "");
    this.dialog.style.setProperty(property, colour);
    if (property === "--app-header" && data.color) {
      const [red, green, blue] = [1, 3, 5].map((at) => parseInt(data.color.slice(at, at + 2), 16));
      this.dialog.style.setProperty("--app-header-text", red * 0.3 + green * 0.59 + blue * 0.11 > 150 ? "#111" : "#fff");
    }
  }

  async payInvoice(slug) {
    let status = "failed";
    try {
      const how = { invoice_link: LINK + slug };
      status = (await payment(this.chat, await api.invoice(this.chat, how.invoice_link), how)) || "cancelled";
    } catch (problem) {
      toast(problem.message, true);
    }
    this.send("invoice_closed", { slug, status });
  }

  async popup(data) {
    const words = { ok: "OK", close: "Close", cancel: "Cancel" };
    const buttons = (data.buttons || []).map((button) => ({ id: button.id, words: button.text || words[button.type] || "OK", style: { destructive: "danger", cancel: "quiet", close: "quiet" }[button.type] }));
    const pressed = await ask({ title: data.title, text: data.message, buttons: buttons.length ? buttons : [{ id: "", words: "Close" }] });
    this.send("popup_closed", pressed === null ? {} : { button_id: pressed });
  }

  // Cloud storage, kept in this browser for each person.
  invoke({ req_id: requestId, method, params = {} }) {
    const prefix = `cloud:${this.chat}:`;
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    const results = {
      saveStorageValue: () => { localStorage.setItem(prefix + params.key, params.value); return true; },
      getStorageValues: () => Object.fromEntries((params.keys || []).map((key) => [key, localStorage.getItem(prefix + key) ?? ""])),
      deleteStorageValues: () => { (params.keys || []).forEach((key) => localStorage.removeItem(prefix + key)); return true; },
      getStorageKeys: () => keys,
    };
    const known = results[method];
    this.send("custom_method_invoked", known ? { req_id: requestId, result: known() } : { req_id: requestId, error: "METHOD_NOT_FOUND" });
  }

  makeHandlers() {
    const unsupported = (answer) => () => this.send(answer, { error: "UNSUPPORTED" });
    const noInsets = { top: 0, bottom: 0, left: 0, right: 0 };
    return {
      iframe_ready: () => {},
      iframe_will_reload: () => {},
      web_app_ready: () => this.loading.remove(),
      web_app_expand: () => this.handlers.web_app_request_viewport(),
      web_app_close: () => this.close(),
      web_app_request_theme: () => this.send("theme_changed", { theme_params: this.theme || {} }),
      web_app_request_viewport: () => this.send("viewport_changed", { width: this.frame.clientWidth, height: this.frame.clientHeight, is_expanded: true, is_state_stable: true }),
      web_app_request_safe_area: () => this.send("safe_area_changed", noInsets),
      web_app_request_content_safe_area: () => this.send("content_safe_area_changed", noInsets),
      web_app_setup_main_button: (data) => this.setButton(this.main, data),
      web_app_setup_secondary_button: (data) => this.setButton(this.secondary, data),
      web_app_setup_back_button: (data) => { this.back.hidden = !data.is_visible; },
      web_app_setup_settings_button: (data) => { this.settings.hidden = !data.is_visible; },
      web_app_setup_closing_behavior: (data) => { this.asksBeforeClosing = Boolean(data.need_confirmation); },
      web_app_set_header_color: (data) => this.setColour("--app-header", data),
      web_app_set_background_color: (data) => this.setColour("--app-background", data),
      web_app_set_bottom_bar_color: (data) => this.setColour("--app-bottom", data),
      web_app_open_invoice: (data) => this.payInvoice(data.slug),
      web_app_open_popup: (data) => this.popup(data),
      web_app_open_link: (data) => window.open(data.url, "_blank", "noopener"),
      web_app_open_tg_link: (data) => this.openLink(`https://t.me${data.path_full}`),
      web_app_data_send: async (data) => {
        this.close();
        await api.sendData(this.chat, data.data, this.button).catch((problem) => alertBox(problem.message));
      },
      web_app_request_file_download: (data) => {
        this.send("file_download_requested", { status: "downloading" });
        window.open(data.url, "_blank", "noopener");
      },
      web_app_read_text_from_clipboard: (data) => this.send("clipboard_text_received", { req_id: data.req_id, data: null }),
      web_app_request_write_access: () => this.send("write_access_requested", { status: "allowed" }),
      web_app_request_phone: () => this.send("phone_requested", { status: "cancelled" }),
      web_app_invoke_custom_method: (data) => this.invoke(data),
      web_app_request_fullscreen: unsupported("fullscreen_failed"),
      web_app_add_to_home_screen: unsupported("home_screen_failed"),
      web_app_check_home_screen: () => this.send("home_screen_checked", { status: "unsupported" }),
      web_app_biometry_get_info: () => this.send("biometry_info_received", { available: false }),
      web_app_trigger_haptic_feedback: () => navigator.vibrate?.(10),
    };
  }
}

export async function openMiniApp({ chat, url, title, button = "", startParam = "", botName, openLink }) {
  let app;
  await open("app", (close, dialog) => {
    app = new MiniApp(chat, title, button, close, openLink);
    app.load(url, startParam).catch((problem) => { toast(problem.message, true); close(); });
    return app.elements(dialog, botName);
  }, title);
  app.end();
}

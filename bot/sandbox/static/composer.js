// Writing: text, commands, files with a caption, the bot's reply keyboard.

import { api } from "./api.js";
import { toast } from "./dialogs.js";
import { $, h, symbol } from "./dom.js";
import { keyRows, summary } from "./messages.js";

const PHOTO = /^image\/(jpeg|png|webp|heic|heif)$/;

function videoDetails(file) {
  return new Promise((resolve) => {
    const video = h("video", { preload: "metadata", muted: true });
    const done = () => { URL.revokeObjectURL(video.src); resolve({ duration: Math.round(video.duration) || 0, width: video.videoWidth || 0, height: video.videoHeight || 0 }); };
    video.addEventListener("loadedmetadata", done, { once: true });
    video.addEventListener("error", done, { once: true });
    video.src = URL.createObjectURL(file);
  });
}

export class Composer {
  constructor(act) {
    this.act = act;
    this.files = [];
    this.replyTo = null;
    this.chat = null;
    this.input = $("input");
    $("form").addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    this.input.addEventListener("input", () => { this.grow(); this.suggest(); });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("paste", (event) => { if (event.clipboardData.files.length) { event.preventDefault(); this.attach(event.clipboardData.files); } });
    $("attach").addEventListener("click", () => $("files").click());
    $("files").addEventListener("change", (event) => { this.attach(event.target.files); event.target.value = ""; });
    $("menu").addEventListener("click", () => this.pressMenu());
    $("toggle-keyboard").addEventListener("click", () => this.showKeyboard($("reply-keyboard").hidden));
    document.addEventListener("click", (event) => { if (!event.target.closest("#commands, #menu, #input")) $("commands").hidden = true; });
    this.listenForDrops($("chat"));
  }

  show(chat) {
    const isOther = this.chat?.user.id !== chat.user.id;
    this.chat = chat;
    for (const control of [this.input, $("send"), $("attach")]) control.disabled = false;
    $("form").hidden = chat.has_blocked_bot;
    $("blocked").hidden = !chat.has_blocked_bot;
    const app = chat.menu_button.type === "web_app";
    const label = app ? chat.menu_button.text : "Menu";
    $("menu").hidden = !app && !chat.commands.length;
    $("menu").classList.toggle("is-app", app);
    $("menu").setAttribute("aria-label", app ? `Open ${label}` : "Commands");
    $("menu").replaceChildren(symbol(app ? "app" : "menu"), h("span", {}, label));
    if (isOther || JSON.stringify(this.keyboard) !== JSON.stringify(chat.reply_keyboard)) this.setKeyboard(chat.reply_keyboard);
    if (isOther) { this.files = []; this.showFiles(); this.reply(null); }
  }

  setKeyboard(keyboard) {
    this.keyboard = keyboard;
    const rows = keyboard?.keyboard || [];
    $("reply-keyboard").replaceChildren(...keyRows(rows, (button) => this.pressReply(button), "The bot's keyboard"));
    $("toggle-keyboard").hidden = !rows.length;
    this.input.placeholder = keyboard?.input_field_placeholder || "Message";
    this.showKeyboard(rows.length > 0);
  }

  showKeyboard(isShown) {
    $("reply-keyboard").hidden = !isShown || this.chat?.has_blocked_bot;
    $("toggle-keyboard").setAttribute("aria-expanded", String(isShown));
    $("toggle-keyboard").setAttribute("aria-label", isShown ? "Hide the bot's keyboard" : "Show the bot's keyboard");
    this.act.grown();
  }

  pressReply(button) {
    if (button.web_app) return this.act.openApp(button.web_app.url, button.text, button.text);
    if (this.keyboard?.one_time_keyboard) this.showKeyboard(false);
    if (button.request_contact || button.request_location) return toast("The sandbox cannot share contacts or places.");
    return this.send(button.text);
  }

  pressMenu() {
    const button = this.chat?.menu_button;
    if (button?.type === "web_app") return this.act.openApp(button.web_app.url, button.text);
    if ($("commands").hidden) this.list(this.chat.commands);
    else $("commands").hidden = true;
    this.input.focus();
  }

  suggest() {
    const typed = /^\/(\w*)$/.exec(this.input.value);
    const found = typed ? (this.chat?.commands || []).filter((command) => command.command.startsWith(typed[1])) : [];
    if (found.length) this.list(found);
    else $("commands").hidden = true;
  }

  list(commands) {
    $("commands").replaceChildren(...commands.map((command, index) => h("button", { type: "button", role: "option", "aria-selected": index === 0 ? "true" : "false", onclick: () => { $("commands").hidden = true; this.send(`/${command.command}`); } },
      h("b", {}, `/${command.command}`), h("span", {}, command.description))));
    $("commands").hidden = false;
  }

  key(event) {
    const options = [...$("commands").children];
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (!$("commands").hidden && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      const next = (at + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length;
      options.forEach((option, index) => option.setAttribute("aria-selected", String(index === next)));
      options[next].scrollIntoView({ block: "nearest" });
    } else if (event.key === "Escape") {
      $("commands").hidden = true;
      this.reply(null);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (!$("commands").hidden && at >= 0) options[at].click();
      else this.submit();
    }
  }

  grow() {
    this.input.style.height = "44px";
    this.input.style.height = `${Math.min(168, Math.max(44, this.input.scrollHeight + 3))}px`;
  }

  reply(message) {
    this.replyTo = message;
    $("reply-to").hidden = !message;
    if (!message) return;
    $("reply-to").replaceChildren(symbol("reply"), h("span", {}, summary(message)), h("button", { type: "button", class: "icon", "aria-label": "Do not reply", onclick: () => this.reply(null) }, symbol("close")));
    this.input.focus();
  }

  attach(list) {
    if (!this.chat || this.chat.has_blocked_bot) return;
    this.files.push(...list);
    if (this.files.length > 10) { this.files.length = 10; toast("An album holds at most 10 files."); }
    this.showFiles();
    this.input.focus();
  }

  showFiles() {
    const tray = $("tray");
    tray.hidden = !this.files.length;
    this.asFiles = h("input", { type: "checkbox", checked: Boolean(this.asFiles?.checked) && this.files.length > 0 });
    const thumbs = this.files.map((file, index) => {
      const preview = file.type.startsWith("image/") ? h("img", { src: URL.createObjectURL(file), alt: "" }) : file.name;
      const remove = h("button", { type: "button", "aria-label": `Remove ${file.name}`, onclick: () => { this.files.splice(index, 1); this.showFiles(); } }, symbol("close"));
      return h("div", { class: "thumb" }, preview, remove);
    });
    const hasMedia = this.files.some((file) => /^(image|video)\//.test(file.type));
    tray.replaceChildren(...thumbs, ...(hasMedia ? [h("label", {}, this.asFiles, "Send as files")] : []));
    this.input.placeholder = this.files.length ? "Add a caption" : this.keyboard?.input_field_placeholder || "Message";
  }

  kind(file) {
    if (this.asFiles?.checked) return "document";
    if (PHOTO.test(file.type)) return "photo";
    if (file.type.startsWith("video/")) return "video";
    if (file.type === "image/gif") return "animation";
    return file.type === "audio/ogg" ? "voice" : file.type.startsWith("audio/") ? "audio" : "document";
  }

  async submit() {
    if (!this.chat) return;
    const text = this.input.value.trim();
    if (!this.files.length) { if (text) await this.send(text); return; }
    const form = new FormData();
    form.set("caption", text);
    if (this.replyTo) form.set("reply_to_message_id", String(this.replyTo.message_id));
    for (const file of this.files) form.append(this.kind(file), file, file.name);
    const video = this.files.find((file) => this.kind(file) === "video");
    if (video) for (const [name, value] of Object.entries(await videoDetails(video))) form.set(name, String(value));
    await this.deliver(() => api.upload(this.chat.user.id, form), () => { this.files = []; this.showFiles(); });
  }

  async send(text) {
    await this.deliver(() => api.write(this.chat.user.id, text, this.replyTo?.message_id), () => {});
  }

  async deliver(sending, then) {
    $("send").disabled = true;
    try {
      await sending();
      then();
      this.input.value = "";
      this.grow();
      this.reply(null);
      this.act.toEnd();
    } catch (problem) {
      toast(problem.message, true);
    } finally {
      $("send").disabled = false;
    }
  }

  listenForDrops(area) {
    let depth = 0;
    const show = (change) => { depth = Math.max(0, depth + change); $("drop").hidden = depth === 0; };
    area.addEventListener("dragenter", (event) => { event.preventDefault(); show(1); });
    area.addEventListener("dragleave", () => show(-1));
    area.addEventListener("dragover", (event) => event.preventDefault());
    area.addEventListener("drop", (event) => { event.preventDefault(); show(-depth); this.attach(event.dataTransfer.files); });
  }
}

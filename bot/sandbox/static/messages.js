// Messages as elements: one element for a message, or for all photos of an album.

import { bytes, day, face, fileUrl, fullName, h, symbol, time } from "./dom.js";
import { formatted } from "./entities.js";

export const unitKey = (message) => (message.media_group_id ? `album-${message.media_group_id}` : `message-${message.message_id}`);

export function summary(message) {
  const text = message.text || message.caption;
  if (text) return text;
  const kinds = { photo: "Photo", video: "Video", animation: "GIF", document: message.document?.file_name, voice: "Voice message", audio: "Audio", sticker: "Sticker", invoice: message.invoice?.title };
  for (const [kind, words] of Object.entries(kinds)) if (message[kind]) return words || kind;
  return "Message";
}

function service(message) {
  const paid = message.successful_payment;
  if (paid) return `You paid ⭐ ${paid.total_amount}`;
  if (message.refunded_payment) return `⭐ ${message.refunded_payment.total_amount} came back to you`;
  if (message.web_app_data) return `You sent data from “${message.web_app_data.button_text || "the app"}”`;
  return null;
}

function photo(message, act) {
  const size = message.photo.at(-1);
  const image = h("img", { src: fileUrl(size), alt: message.caption || "Photo", width: String(size.width), height: String(size.height), loading: "lazy", onload: act.grown });
  return h("button", { type: "button", class: "photo", style: message.media_group_id ? null : `aspect-ratio:${size.width}/${size.height}`, "aria-label": "Open the photo", onclick: () => act.zoom(size, message.caption) }, image);
}

function file(document, kind) {
  return h("a", { class: "file", href: fileUrl(document, true), download: document.file_name || "" },
    h("span", { class: "badge" }, symbol("download")),
    h("span", {}, h("b", {}, document.file_name || kind), h("small", {}, bytes(document.file_size))));
}

function moving(file, message) {
  if (file.mime_type === "image/gif") return h("img", { class: "photo", src: fileUrl(file), alt: message.caption || "GIF" });
  const style = file.width && file.height ? `aspect-ratio:${file.width}/${file.height}` : null;
  const loops = Boolean(message.animation);
  const still = file.cover?.at(-1) || file.thumbnail;
  const poster = still ? fileUrl(still) : null;
  return h("video", { src: fileUrl(file), style, poster, controls: true, preload: "metadata", playsinline: "", loop: loops, muted: loops, autoplay: loops, "aria-label": message.caption || "Video" });
}

function media(message, act) {
  if (message.photo) return photo(message, act);
  if (message.video) return moving(message.video, message);
  if (message.animation) return moving(message.animation, message);
  if (message.sticker) return h("img", { class: "sticker", src: fileUrl(message.sticker), alt: "Sticker" });
  if (message.voice || message.audio) return h("audio", { controls: true, preload: "metadata", src: fileUrl(message.voice || message.audio), "aria-label": "Audio" });
  if (message.document) return file(message.document, "File");
  return null;
}

function invoice(message) {
  const shown = message.invoice;
  return h("div", { class: "invoice" }, h("h3", {}, shown.title), h("p", {}, shown.description), h("span", { class: "price" }, `⭐ ${shown.total_amount}`));
}

const ACTIONS = [["url", "link"], ["web_app", "app"], ["copy_text", "copy"]];

export function keyButton(button, press) {
  const mark = ACTIONS.find(([action]) => button[action])?.[1];
  const style = button.pay ? "pay" : button.style || "";
  return h("button", { type: "button", class: `key ${style}`, disabled: Boolean(button.disabled), onclick: (event) => press(button, event.currentTarget) }, button.text, mark ? symbol(mark) : null);
}

export function keyRows(rows, press, name) {
  return rows.map((row) => h("div", { class: "row", role: "group", "aria-label": name }, row.map((button) => keyButton(button, press))));
}

function quote(message, act) {
  const reply = message.reply_to_message;
  if (!reply) return null;
  return h("button", { type: "button", class: "quote", onclick: () => act.jump(reply.message_id) }, h("b", {}, fullName(reply.from)), summary(reply));
}

function bubble(messages, act) {
  const first = messages[0];
  const captioned = messages.find((message) => message.caption) || first;
  const text = first.text || captioned.caption;
  const visual = messages.filter((message) => message.photo || message.video || message.animation || message.sticker);
  const pieces = messages.map((message) => media(message, act)).filter(Boolean);
  const content = h("div", { class: "bubble" }, quote(first, act));
  if (first.forward_origin) content.append(h("div", { class: "origin" }, `Forwarded from ${fullName(first.forward_origin.sender_user || { first_name: "somebody" })}`));
  if (first.invoice) content.append(invoice(first));
  if (visual.length > 1) content.append(h("div", { class: `media several ${visual.length % 2 ? "odd" : ""}` }, pieces));
  else if (visual.length) content.append(h("div", { class: "media" }, pieces));
  else content.append(...pieces);
  if (text) content.append(h("div", { class: "text" }, formatted(text, first.text ? first.entities : captioned.caption_entities, act)));
  const edited = first.edit_date ? "edited " : "";
  content.append(h("span", { class: "meta" }, `${edited}${time(first.date)}`));
  content.classList.toggle("edited", Boolean(edited));
  content.classList.toggle("only-media", visual.length > 0 && !text);
  return content;
}

export function unit(messages, act, reactions) {
  const first = messages[0];
  const told = service(first);
  const key = unitKey(first);
  if (told) return h("div", { class: "service", id: key, "data-id": String(first.message_id) }, told);
  const mine = !first.from.is_bot;
  const rows = first.reply_markup?.inline_keyboard;
  const element = h("article", { class: `unit ${mine ? "mine" : ""} ${rows ? "has-keys" : ""} ${messages.length > 1 ? "album" : ""}`, id: key, "data-id": String(first.message_id), "aria-label": `${mine ? "You" : fullName(first.from)}, ${time(first.date)}` }, bubble(messages, act));
  const emoji = messages.flatMap((message) => reactions[message.message_id] || []);
  element.append(h("button", { type: "button", class: "icon reply-key", "aria-label": "Reply", onclick: () => act.reply(first) }, symbol("reply")));
  if (emoji.length) element.append(h("span", { class: "reaction", "aria-label": "Reaction of the bot" }, emoji.join(" ")));
  if (rows) element.append(h("div", { class: "keys" }, keyRows(rows, (button, pressed) => act.press(first, button, pressed), "Buttons")));
  return element;
}

export const daySeparator = (date) => h("div", { class: "day", "data-day": day(date) }, day(date));

export function personRow(user, isCurrent, choose) {
  return h("button", { type: "button", class: "person", "aria-current": isCurrent ? "true" : null, onclick: () => choose(user.id) },
    face(user), h("span", {}, h("b", {}, fullName(user)), h("small", {}, [user.username && `@${user.username}`, `id ${user.id}`, user.language_code].filter(Boolean).join(" · "))));
}

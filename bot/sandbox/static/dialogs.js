// Dialogs and toasts.

import { api } from "./api.js";
import { $, fileUrl, h, symbol } from "./dom.js";
import { personRow } from "./messages.js";

export function toast(text, isBad = false) {
  const shown = h("div", { class: `toast ${isBad ? "bad" : ""}` }, text);
  $("toasts").append(shown);
  setTimeout(() => shown.remove(), Math.min(8000, 2600 + text.length * 40));
}

// Opens a dialog and resolves with what `close(value)` was called with; null when it was dismissed.
export function open(className, build, label) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { class: className, "aria-label": label });
    let value = null;
    const close = (result = null) => { value = result; dialog.close(); };
    dialog.addEventListener("close", () => { dialog.remove(); resolve(value); });
    dialog.addEventListener("click", (event) => { if (event.target === dialog && !dialog.classList.contains("app")) close(); });
    dialog.append(...[build(close, dialog)].flat());
    document.body.append(dialog);
    dialog.showModal();
  });
}

export function ask({ title, text, buttons }) {
  return open("sheet", (close) => [
    title ? h("h2", {}, title) : null,
    h("p", {}, text),
    h("div", { class: "actions" }, buttons.map(({ id, words, style }) => h("button", { type: "button", class: `button ${style || ""}`, onclick: () => close(id) }, words))),
  ].filter(Boolean), title || "Message");
}

export const alertBox = (text) => ask({ title: "", text, buttons: [{ id: "ok", words: "OK" }] });

export function payment(chat, invoice, how) {
  return open("sheet", (close) => {
    const error = h("p", { class: "error", role: "alert" });
    const cancel = h("button", { type: "button", class: "button quiet", onclick: () => close("cancelled") }, "Cancel");
    const monthly = invoice.subscription_period ? " a month" : "";
    const button = h("button", { type: "button", class: "button strong" }, `${monthly ? "Subscribe" : "Pay"} ⭐ ${invoice.total_amount}`);
    let failed = false;
    button.addEventListener("click", async () => {
      button.disabled = cancel.disabled = true;
      button.textContent = "Paying…";
      error.textContent = "";
      const answer = await api.pay(chat, how).catch((problem) => ({ ok: false, error_message: problem.message }));
      if (answer.ok) return close("paid");
      failed = true;
      error.textContent = answer.error_message || "The payment was refused.";
      button.textContent = "Try again";
      button.disabled = cancel.disabled = false;
      cancel.onclick = () => close(failed ? "failed" : "cancelled");
    });
    return [h("h2", {}, invoice.title), h("p", {}, invoice.description), h("div", { class: "receipt" }, h("span", {}, "Total"), h("span", {}, `⭐ ${invoice.total_amount}${monthly}`)),
      h("p", { class: "note" }, "Play Stars: nothing is charged."), error, h("div", { class: "actions" }, cancel, button)];
  }, "Payment");
}

export function zoom(size, caption) {
  return open("lightbox", (close) => [
    h("img", { src: fileUrl(size), alt: caption || "Photo", onclick: () => close() }),
    h("div", { class: "corner" },
      h("a", { class: "icon", href: fileUrl(size, true), download: "photo.jpg", "aria-label": "Download" }, symbol("download")),
      h("button", { type: "button", class: "icon", "aria-label": "Close", onclick: () => close() }, symbol("close"))),
  ], "Photo");
}

const LANGUAGES = [["ru", "Русский"], ["en", "English"], ["de", "Deutsch"], ["es", "Español"], ["uk", "Українська"]];

function personForm(close) {
  const error = h("p", { class: "error", role: "alert" });
  const field = (name, label, properties) => h("label", {}, label, h("input", { name, autocomplete: "off", ...properties }));
  const save = async (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.target));
    const profile = { first_name: given.first_name, language_code: given.language_code, id: Number(given.id) };
    if (given.username) profile.username = given.username.replace(/^@/, "");
    try {
      close((await api.createUser(profile)).id);
    } catch (problem) {
      error.textContent = problem.message;
    }
  };
  const free = String(100000 + Math.floor(Math.random() * 899999));
  return h("form", { class: "form", onsubmit: save },
    field("first_name", "Name", { required: "", maxlength: "64", placeholder: "Anna" }),
    h("div", { class: "pair" },
      field("username", "Username", { maxlength: "32", placeholder: "optional" }),
      h("label", {}, "Language", h("select", { name: "language_code" }, LANGUAGES.map(([code, name]) => h("option", { value: code }, name))))),
    field("id", "Telegram id", { type: "number", min: "1", required: "", value: free }),
    error,
    h("button", { type: "submit", class: "button wide" }, "Start talking"));
}

export async function choosePerson(current, onlyNew = false) {
  const users = onlyNew ? [] : await api.users();
  return open("sheet", (close) => [
    h("h2", {}, users.length ? "Talk as" : "Who are you?"),
    users.length ? h("div", { class: "people-list" }, users.map((user) => personRow(user, user.id === current, close))) : h("p", {}, "A person of this sandbox. Nothing leaves this computer."),
    users.length ? h("h2", { style: "font-size:16px;margin:0 0 12px" }, "Somebody new") : null,
    personForm(close),
  ].filter(Boolean), "Choose a person");
}

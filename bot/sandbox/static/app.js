// The page: who talks, what was said, and what happens now.

import { api } from "./api.js";
import { Composer } from "./composer.js";
import { alertBox, ask, choosePerson, payment, toast, zoom } from "./dialogs.js";
import { $, day, face, fullName, h, symbol } from "./dom.js";
import { follow } from "./feed.js";
import { daySeparator, personRow, summary, unit, unitKey } from "./messages.js";
import { openMiniApp } from "./miniapp.js";
import { Tools } from "./tools.js";

const ACTIONS = { typing: "is typing", upload_photo: "is sending a photo", record_video: "is recording a video", upload_video: "is sending a video", upload_document: "is sending a file", record_voice: "is recording", upload_voice: "is sending a voice message", choose_sticker: "is choosing a sticker" };

let chat = null;
let messages = new Map();
let feed = null;
let unread = 0;
let actionTimer = 0;

const act = {
  command: (text) => composer.send(text),
  link: (event, url) => { if (ownLink(url)) { event.preventDefault(); openLink(url); } },
  zoom,
  press,
  reply: (message) => composer.reply(message),
  jump: (id) => document.querySelector(`[data-id="${id}"]`)?.scrollIntoView({ block: "center", behavior: "smooth" }),
  grown: () => { if (unread === 0 && wasAtEnd) toEnd(); },
  toEnd: () => toEnd(),
  openApp,
};
const tools = new Tools(() => chat);
const composer = new Composer(act);

// ---- scrolling

let wasAtEnd = true;
const scroll = $("scroll");
function toEnd() {
  scroll.scrollTop = scroll.scrollHeight;
  unread = 0;
  showUnread();
}
function showUnread() {
  $("to-end").hidden = wasAtEnd;
  $("unread").textContent = unread ? String(unread) : "";
}
let lastTop = 0;
scroll.addEventListener("scroll", () => {
  // Growing content moves the end away without anybody having scrolled: only moving up means leaving it.
  const isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  wasAtEnd = isAtEnd || (wasAtEnd && scroll.scrollTop >= lastTop);
  lastTop = scroll.scrollTop;
  if (wasAtEnd) unread = 0;
  showUnread();
});
const follower = new ResizeObserver(() => { if (wasAtEnd) toEnd(); });
follower.observe(scroll);
follower.observe($("log"));
$("to-end").addEventListener("click", toEnd);

// ---- messages

function inUnit(message) {
  if (!message.media_group_id) return [message];
  return [...messages.values()].filter((other) => other.media_group_id === message.media_group_id);
}

function arrange() {
  let previous = null;
  for (const separator of $("log").querySelectorAll(".day")) separator.remove();
  let lastDay = "";
  for (const element of [...$("log").children]) {
    const message = messages.get(Number(element.dataset.id));
    const today = day(message.date);
    const isNewDay = today !== lastDay;
    if (isNewDay) element.before(daySeparator(message.date));
    lastDay = today;
    const joined = !isNewDay && previous?.from.id === message.from.id && message.date - previous.date < 120 && !element.classList.contains("service");
    element.classList.toggle("joined", joined);
    previous = message;
  }
  $("empty").hidden = messages.size > 0;
}

function draw(message) {
  const drawn = unit(inUnit(message), act, chat.reactions);
  const existing = $(unitKey(message));
  if (existing) return existing.replaceWith(drawn);
  const later = [...$("log").children].find((element) => Number(element.dataset.id) > message.message_id);
  later ? later.before(drawn) : $("log").append(drawn);
}

function drawAll(list) {
  messages = new Map(list.map((message) => [message.message_id, message]));
  $("log").replaceChildren();
  const drawn = new Set();
  for (const message of list) if (!drawn.has(unitKey(message))) { drawn.add(unitKey(message)); draw(message); }
  arrange();
  wasAtEnd = true;
  toEnd();
}

function remove(id) {
  const message = messages.get(id);
  if (!message) return;
  messages.delete(id);
  const rest = inUnit(message).filter((other) => other.message_id !== id);
  if (rest.length) draw(rest[0]);
  else $(unitKey(message))?.remove();
  arrange();
}

function put(message, isNew) {
  const stays = wasAtEnd;
  messages.set(message.message_id, message);
  draw(message);
  arrange();
  if (isNew && message.from.is_bot) showAction(null);
  if (isNew && !message.from.is_bot) return toEnd();
  if (stays) toEnd();
  else if (isNew) { unread += 1; showUnread(); }
}

// ---- what the bot does

function showAction(action) {
  clearTimeout(actionTimer);
  const words = ACTIONS[action] || (action ? "is busy" : "");
  $("typing").hidden = !words;
  $("typing-text").textContent = words ? `${chat.bot.first_name} ${words}` : "";
  $("status").textContent = words || "bot";
  if (words) actionTimer = setTimeout(() => showAction(null), 5500);
  if (wasAtEnd) toEnd();
}

function answered(answer) {
  if (answer.url) openLink(answer.url);
  if (!answer.text) return;
  if (answer.show_alert) alertBox(answer.text);
  else toast(answer.text);
}

const handlers = {
  message: (event) => put(event.message, true),
  edit: (event) => put(event.message, false),
  delete: (event) => remove(event.message_id),
  action: (event) => showAction(event.action),
  answer: answered,
  keyboard: () => describe(),
  bot: () => describe(),
  reaction: (event) => { chat.reactions[event.message_id] = event.emoji; if (messages.has(event.message_id)) draw(messages.get(event.message_id)); arrange(); },
  call: (event) => tools.addCall(event.call),
};

// ---- what the person does

async function press(message, button, element) {
  if (button.url) return openLink(button.url);
  if (button.web_app) return openApp(button.web_app.url, button.text);
  if (button.copy_text) { await navigator.clipboard?.writeText(button.copy_text.text); return toast("Copied"); }
  if (button.pay) return payment(chat.user.id, message.invoice, { message_id: message.message_id });
  if (!button.callback_data) return toast("The sandbox does not know this button.");
  element.classList.add("busy");
  try {
    await api.press(chat.user.id, message.message_id, button.callback_data);
  } catch (problem) {
    toast(problem.message, true);
  } finally {
    element.classList.remove("busy");
  }
}

const ownLink = (url) => /^(https?:\/\/)?t\.me\//i.test(url) || url.startsWith("tg://");

async function openLink(url) {
  if (!ownLink(url)) return window.open(url, "_blank", "noopener");
  const link = new URL(url.replace(/^(https?:\/\/)?t\.me\//i, "https://t.me/"));
  const [first] = link.pathname.slice(1).split("/");
  if (first.startsWith("$")) return payLink(`https://t.me/${first}`);
  if (first.toLowerCase() !== chat.bot.username.toLowerCase()) return toast(`${link.host}${link.pathname} is outside of the sandbox.`);
  if (link.searchParams.has("startapp")) {
    const menu = chat.menu_button;
    if (menu.type !== "web_app") return toast("The bot has no main Mini App.");
    return openApp(menu.web_app.url, menu.text, "", link.searchParams.get("startapp"));
  }
  return composer.send(`/start ${link.searchParams.get("start") || ""}`.trim());
}

async function payLink(link) {
  try {
    await payment(chat.user.id, await api.invoice(chat.user.id, link), { invoice_link: link });
  } catch (problem) {
    toast(problem.message, true);
  }
}

function openApp(url, title, button = "", startParam = "") {
  return openMiniApp({ chat: chat.user.id, url, title, button, startParam, botName: chat.bot.first_name, openLink });
}

// ---- who talks

async function describe() {
  chat = await api.describe(chat.user.id);
  $("bot-name").textContent = chat.bot.first_name;
  $("chip-name").textContent = fullName(chat.user);
  const small = face(chat.user);
  small.id = "chip-face";
  $("chip-face").replaceWith(small);
  composer.show(chat);
  showPinned();
  showEmpty();
  await tools.refresh();
}

function showPinned() {
  const pinned = messages.get(chat.pinned.at(-1));
  $("pinned").hidden = !pinned;
  if (!pinned) return;
  $("pinned").replaceChildren(symbol("pin"), h("span", {}, summary(pinned)));
  $("pinned").onclick = () => act.jump(pinned.message_id);
}

function showEmpty() {
  $("empty").replaceChildren(h("img", { src: "/static/icon.svg", alt: "" }), h("h2", {}, chat.bot.first_name),
    h("p", {}, chat.bot.description || "Nothing was said yet."), h("button", { type: "button", class: "button wide", onclick: () => composer.send("/start") }, "Start"));
}

async function showPeople() {
  const users = await api.users();
  $("people").replaceChildren(...users.map((user) => personRow(user, user.id === chat?.user.id, talkAs)));
}

function lost() {
  $("status").textContent = "the sandbox does not answer, trying again…";
}

async function talkAs(id) {
  if (!id) return;
  feed?.close();
  localStorage.setItem("person", String(id));
  history.replaceState(null, "", `#${id}`);
  chat = await api.describe(id);
  showAction(null);
  feed = follow(id, {
    read: async (list) => { showAction(null); drawAll(list); await describe(); },
    happened: (event) => handlers[event.type]?.(event),
    lost,
    gone: begin,
  });
  await showPeople();
}

async function choose(onlyNew = false) {
  await talkAs(await choosePerson(chat?.user.id, onlyNew));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  if (!button) return;
  const actions = { "people": () => choose(), "new-person": () => choose(true), "tools": () => tools.toggle(button), "unblock": () => api.block(chat.user.id, false) };
  actions[button.dataset.action]?.();
});

async function start() {
  const users = await api.users();
  const wanted = Number(location.hash.slice(1)) || Number(localStorage.getItem("person"));
  const known = users.find((user) => user.id === wanted) || users[0];
  if (known) return talkAs(known.id);
  await choose(true);
  while (!chat) {
    await ask({ title: "Nobody is here yet", text: "Create a person to talk to the bot.", buttons: [{ id: "ok", words: "Create" }] });
    await choose(true);
  }
}

// What the sandbox refused may be over, or the person may be gone with a wiped home: everything is asked anew.
async function begin() {
  try {
    await start();
  } catch (problem) {
    lost();
    toast(problem.message, true);
    setTimeout(begin, 3000);
  }
}

begin();

// The drawer for testing: delivery of updates, failures on demand, blocking, the log of Bot API calls.

import { api } from "./api.js";
import { toast } from "./dialogs.js";
import { $, h, symbol } from "./dom.js";

const FAILURES = [[429, "429 Too many requests"], [500, "500 Server error"], [502, "502 Bad gateway"], [403, "403 Blocked by the user"], [400, "400 Bad request"], [409, "409 Conflict"]];
const UPDATES = [["successful_payment", "A payment"], ["pre_checkout_query", "The question before a payment"], ["refunded_payment", "A refund"], ["callback_query", "A pressed button"], ["message", "Any message"]];
const MISDELIVERIES = { twice: ["arrives twice", { copies: 2 }], copied: ["comes with a forged copy", { copies: 2, with_new_ids: true }], late: ["is 8 seconds late", { delay: 8 }], cheap: ["names 1 Star", { changes: { total_amount: 1 } }], lost: ["never arrives", { is_lost: true }] };
const QUIET = new Set(["getUpdates", "getWebhookInfo", "getMe", "sendChatAction", "answerCallbackQuery"]);
const SHOWN_CALLS = 200;

export class Tools {
  constructor(current) {
    this.current = current;
    this.calls = [];
    this.showsAll = false;
  }

  async toggle(button) {
    const panel = $("tools");
    const opens = panel.hidden;
    panel.hidden = !opens;
    document.querySelector(".shell").classList.toggle("with-tools", opens);
    button.setAttribute("aria-expanded", String(opens));
    if (opens) await this.build(button);
    else button.focus();
  }

  async build(opener) {
    this.log = h("div", { style: "display:grid;gap:6px" });
    this.faults = h("ul");
    this.delivery = h("p");
    this.blocking = h("button", { type: "button", class: "button quiet wide", onclick: () => this.block() });
    const all = h("input", { type: "checkbox", onchange: (event) => { this.showsAll = event.target.checked; this.showCalls(); } });
    $("tools").replaceChildren(
      h("header", {}, h("h2", {}, "Test tools"), h("button", { type: "button", class: "icon", "aria-label": "Close the test tools", onclick: () => this.toggle(opener) }, symbol("close"))),
      h("section", {}, h("h3", {}, "Delivery"), this.delivery),
      h("section", {}, h("h3", {}, "Failures"), h("p", {}, "The next calls of a method fail as Telegram would."), await this.faultForm()),
      h("section", {}, h("h3", {}, "Updates"), h("p", {}, "The next update of a kind reaches the bot badly."), this.updateForm(), this.faults),
      h("section", {}, h("h3", {}, "Person"), h("p", {}, "A bot that is blocked gets 403 for everything it sends."), this.blocking),
      h("section", {}, h("div", { class: "log-head" }, h("h3", {}, "Bot API calls"), h("label", {}, all, "Routine calls too")), this.log),
    );
    $("tools").querySelector(".icon").focus();
    this.calls = await api.calls(0);
    this.showCalls();
    await this.refresh();
  }

  async faultForm() {
    const methods = await api.methods();
    const number = (name, label, value) => h("label", {}, label, h("input", { name, type: "number", min: "1", value }));
    return h("form", { class: "form", onsubmit: (event) => this.addFault(event) },
      h("label", {}, "Method", h("select", { name: "method" }, ["*", ...methods].map((name) => h("option", { value: name, selected: name === "sendMessage" }, name === "*" ? "Every method" : name)))),
      h("label", {}, "Answer", h("select", { name: "error_code" }, FAILURES.map(([code, words]) => h("option", { value: String(code) }, words)))),
      h("div", { class: "pair" }, number("times", "Times", "1"), number("retry_after", "Retry after, s", "2")),
      h("button", { type: "submit", class: "button wide" }, "Make it fail"));
  }

  updateForm() {
    return h("form", { class: "form", onsubmit: (event) => this.addMisdelivery(event) },
      h("label", {}, "Next update", h("select", { name: "update" }, UPDATES.map(([kind, words]) => h("option", { value: kind }, words)))),
      h("label", {}, "What happens to it", h("select", { name: "how" }, Object.entries(MISDELIVERIES).map(([how, [words]]) => h("option", { value: how }, words)))),
      h("button", { type: "submit", class: "button wide" }, "Disturb it"));
  }

  async addMisdelivery(event) {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.target));
    await this.add({ update: given.update, ...MISDELIVERIES[given.how][1] });
  }

  async addFault(event) {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.target));
    const fault = { method: given.method, error_code: Number(given.error_code), times: Number(given.times) };
    if (fault.error_code === 429) fault.retry_after = Number(given.retry_after);
    await this.add(fault);
  }

  async add(fault) {
    try {
      await api.addFault(fault);
    } catch (problem) {
      toast(problem.message, true);
    }
    await this.refresh();
  }

  async block() {
    const chat = this.current();
    if (!chat) return;
    await api.block(chat.user.id, !chat.has_blocked_bot);
  }

  async refresh() {
    if ($("tools").hidden) return;
    const chat = this.current();
    this.blocking.disabled = !chat;
    this.blocking.textContent = chat?.has_blocked_bot ? "Unblock the bot" : "Block the bot";
    const [planned, delivery] = await Promise.all([api.faults(), api.delivery()]);
    const faults = [...planned.faults.map((fault) => [`${fault.method} → ${fault.error_code}`, fault.times]), ...planned.updates.map((one) => [`${one.update} is disturbed`, one.times])];
    const clear = h("button", { type: "button", class: "button quiet", onclick: async () => { await api.clearFaults(); await this.refresh(); } }, "Clear");
    this.faults.replaceChildren(...faults.map(([words, times]) => h("li", { class: "fault" }, h("span", {}, words), h("span", {}, `${times}×`))), ...(faults.length ? [clear] : []));
    const failed = delivery.last_error_message ? ` Last failure: ${delivery.last_error_message}.` : "";
    const how = delivery.url ? `Webhook ${delivery.url}.` : delivery.is_polling ? "The bot is polling." : "No webhook is set and nobody polls.";
    this.delivery.textContent = `${how} ${delivery.pending_update_count} updates wait.${failed}`;
  }

  addCall(call) {
    if ($("tools").hidden) return;
    this.calls.push(call);
    if (this.showsAll || !QUIET.has(call.method)) {
      this.log.prepend(this.callRow(call));
      this.log.children[SHOWN_CALLS]?.remove();
    }
    clearTimeout(this.later);
    this.later = setTimeout(() => this.refresh(), 300);
  }

  showCalls() {
    const shown = this.calls.filter((call) => this.showsAll || !QUIET.has(call.method)).slice(-SHOWN_CALLS).reverse();
    this.log.replaceChildren(...shown.map((call) => this.callRow(call)));
  }

  callRow(call) {
    const at = new Date(call.at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    const row = h("details", { class: `call ${call.ok ? "" : "failed"}` },
      h("summary", {}, h("i", { role: "img", "aria-label": call.ok ? "ok" : "failed" }), h("b", {}, call.method), call.ok ? null : h("code", {}, String(call.error_code)), h("time", {}, at)));
    row.addEventListener("toggle", () => {
      if (row.childElementCount > 1) return;
      if (call.description) row.append(h("div", { class: "why" }, call.description));
      row.append(h("pre", {}, JSON.stringify(call.params, null, 2)));
    });
    return row;
  }
}

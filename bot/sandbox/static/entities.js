// Text with entities as nodes. Offsets are UTF-16 units, which is how JavaScript counts anyway.

import { h } from "./dom.js";

const SIMPLE = { bold: "b", italic: "i", underline: "u", strikethrough: "s" };

function wrapper(entity, text, act) {
  const href = (url) => h("a", { href: url, target: "_blank", rel: "noopener noreferrer", onclick: (event) => act.link(event, url) });
  switch (entity.type) {
    case "code": return h("code");
    case "pre": return h("pre", { "data-language": entity.language || null, tabindex: "0" });
    case "blockquote": return h("blockquote");
    case "expandable_blockquote":
      return h("blockquote", { class: text.length > 160 ? "folded" : "", onclick: (event) => event.currentTarget.classList.remove("folded") });
    case "spoiler": {
      const open = (event) => event.currentTarget.classList.add("open");
      return h("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Hidden text, press to show", onclick: open, onkeydown: (event) => event.key === "Enter" && open(event) });
    }
    case "text_link": return href(entity.url);
    case "url": return href(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
    case "email": return href(`mailto:${text}`);
    case "mention": return href(`https://t.me/${text.slice(1)}`);
    case "bot_command": return h("button", { type: "button", class: "command", onclick: () => act.command(text) });
    default: return h(SIMPLE[entity.type] || "span");
  }
}

// Entities nest or follow each other, never cross: Telegram splits those that would.
export function formatted(text, entities = [], act) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  let next = 0;
  function fill(parent, start, end) {
    let position = start;
    while (next < sorted.length && sorted[next].offset < end) {
      const entity = sorted[next++];
      const stop = Math.min(entity.offset + entity.length, end);
      if (entity.offset < position || stop <= entity.offset) continue;
      parent.append(text.slice(position, entity.offset));
      const element = wrapper(entity, text.slice(entity.offset, stop), act);
      fill(element, entity.offset, stop);
      parent.append(element);
      // A block ends its line by itself.
      const isBlock = ["PRE", "BLOCKQUOTE"].includes(element.tagName);
      position = isBlock && text[stop] === "\n" && stop < end ? stop + 1 : stop;
    }
    parent.append(text.slice(position, end));
    return parent;
  }
  return fill(document.createDocumentFragment(), 0, text.length);
}

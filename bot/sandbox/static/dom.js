// Small helpers: elements, symbols, sizes, times.

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function symbol(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `/static/symbols.svg#${name}`);
  svg.append(use);
  return svg;
}

export const $ = (id) => document.getElementById(id);

export const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

export function bytes(size) {
  if (size < 1024) return `${size} B`;
  if (size < 1024 * 1024) return `${(size / 1024).toFixed(size < 10240 ? 1 : 0)} KB`;
  return `${(size / 1024 / 1024).toFixed(1)} MB`;
}

export const time = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export function day(seconds) {
  const date = new Date(seconds * 1000);
  const today = new Date();
  const days = Math.round((today.setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.toLocaleDateString([], { day: "numeric", month: "long", year: days > 300 ? "numeric" : undefined });
}

export const fullName = (user) => [user.first_name, user.last_name].filter(Boolean).join(" ");

export function face(user) {
  const circle = h("span", { class: "face", "aria-hidden": "true" }, [...user.first_name][0].toUpperCase());
  circle.style.setProperty("--hue", String((user.id * 47) % 360));
  return circle;
}

export const fileUrl = (file, download = false) =>
  `/sandbox/v1/files/${encodeURIComponent(file.file_id)}${download ? "?download=1" : ""}`;

// Speaks with the Telegram client around the app, by its web events: https://core.telegram.org/api/web-events.
// The names and payloads are typed by @tma.js/bridge; none of its code is shipped (docs/adr/0028).
import type { EventName, EventPayload, MethodName, MethodNameWithRequiredParams, MethodParams } from "@tma.js/bridge";

interface NativeWindow extends Window {
  TelegramWebviewProxy?: { postEvent(name: string, data: string): void };
  TelegramGameProxy_receiveEvent?: unknown;
  Telegram?: { WebView?: { receiveEvent?: (name: string, data: unknown) => void } };
  TelegramGameProxy?: { receiveEvent?: (name: string, data: unknown) => void };
}

type Data<M extends MethodName> = M extends MethodNameWithRequiredParams ? [MethodParams<M>] : [MethodParams<M>?];
type Listener = (data: never) => void;

const frame = window as unknown as NativeWindow;
const external = window.external as unknown as { notify?: (message: string) => void } | undefined;
const listeners = new Map<string, Set<Listener>>();

/** Whether there is a client around the page that events can be sent to. */
export const hasClient = Boolean(frame.TelegramWebviewProxy || external?.notify || window.parent !== window);

/** Send an event to the client. Without a client nothing happens. */
export function post<M extends MethodName>(name: M, ...data: Data<M>): void {
  const [eventData] = data as [unknown?];
  if (frame.TelegramWebviewProxy) frame.TelegramWebviewProxy.postEvent(name, JSON.stringify(eventData ?? {}));
  else if (external?.notify) external.notify(JSON.stringify({ eventType: name, eventData: eventData ?? {} }));
  // The client's origin differs from one to the next, and nothing that is sent is a secret.
  else if (window.parent !== window)
    window.parent.postMessage(JSON.stringify({ eventType: name, eventData: eventData ?? {} }), "*");
}

/** Hear an event of the client. Returns what stops it. */
export function on<E extends EventName>(name: E, listener: (data: EventPayload<E>) => void): () => void {
  const known = listeners.get(name) ?? new Set();
  listeners.set(name, known.add(listener as Listener));
  return () => known.delete(listener as Listener);
}

function receive(name: string, data: unknown): void {
  for (const listener of [...(listeners.get(name) ?? [])]) listener(data as never);
}

/** Take a message of a client in a browser. Only the window around the page is believed. */
export function hear(event: Pick<MessageEvent, "data" | "source">): void {
  if (event.source !== window.parent || typeof event.data !== "string") return;
  try {
    const { eventType, eventData } = JSON.parse(event.data) as { eventType?: unknown; eventData?: unknown };
    if (typeof eventType === "string") receive(eventType, eventData);
  } catch {
    // Something else talks over the same channel.
  }
}

window.addEventListener("message", hear);
// Clients on phones and desktops call these by name.
frame.Telegram = { ...frame.Telegram, WebView: { ...frame.Telegram?.WebView, receiveEvent: receive } };
frame.TelegramGameProxy = { receiveEvent: receive };
frame.TelegramGameProxy_receiveEvent = receive;

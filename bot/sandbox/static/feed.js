// A chat as it happens. Its messages are read at each (re)connection, so that nothing is missed in between,
// and what is heard while they are read waits for them, so that they do not wipe it out.

import { api } from "./api.js";

const RETRY_MS = 1000;

export function follow(id, { read, happened, lost, gone }) {
  const stream = api.events(id);
  let reading = 0;
  let waiting = null;
  let retry = 0;

  async function readAll() {
    const mine = ++reading;
    waiting ??= [];
    try {
      const messages = await api.messages(id);
      if (mine !== reading) return;
      await read(messages);
    } catch {
      if (mine !== reading) return;
      lost();
      retry = setTimeout(readAll, RETRY_MS);
      return;
    }
    if (mine !== reading) return;
    const heard = waiting;
    waiting = null;
    for (const event of heard) happened(event);
  }

  stream.onopen = () => {
    clearTimeout(retry);
    waiting = [];
    return readAll();
  };
  stream.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (waiting) waiting.push(event);
    else happened(event);
  };
  stream.onerror = () => {
    lost();
    // A browser comes back by itself after a broken connection, and never after a refusal.
    if (stream.readyState === EventSource.CLOSED) retry = setTimeout(gone, RETRY_MS);
  };
  return {
    close() {
      reading += 1;
      clearTimeout(retry);
      stream.close();
    },
  };
}

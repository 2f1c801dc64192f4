// The driver API, as tests use it too.

async function call(path, options = {}) {
  const answer = await fetch(`/sandbox/v1${path}`, options);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error || `HTTP ${answer.status}`);
  return body;
}

const post = (path, body = {}) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const api = {
  users: () => call("/users").then((answer) => answer.users),
  createUser: (profile) => post("/users", profile),
  describe: (chat) => call(`/chats/${chat}`),
  messages: (chat) => call(`/chats/${chat}/messages`).then((answer) => answer.messages),
  write: (chat, text, replyTo) => post(`/chats/${chat}/messages`, { text, reply_to_message_id: replyTo || 0 }),
  upload: (chat, form) => call(`/chats/${chat}/messages`, { method: "POST", body: form }),
  press: (chat, messageId, data) => post(`/chats/${chat}/callbacks`, { message_id: messageId, data }),
  pay: (chat, invoice) => post(`/chats/${chat}/pay`, invoice),
  invoice: (chat, link) => call(`/chats/${chat}/invoice?link=${encodeURIComponent(link)}`),
  webApp: (chat, options) => call(`/chats/${chat}/webapp?${new URLSearchParams(options)}`),
  sendData: (chat, data, button) => post(`/chats/${chat}/webapp_data`, { data, button_text: button }),
  block: (chat, isBlocked) => post(`/users/${chat}/${isBlocked ? "block" : "unblock"}`),
  calls: (after) => call(`/calls?after=${after}`).then((answer) => answer.calls),
  methods: () => call("/methods").then((answer) => answer.methods),
  delivery: () => call("/delivery"),
  faults: () => call("/faults"),
  addFault: (fault) => post("/faults", fault),
  clearFaults: () => call("/faults", { method: "DELETE" }),
  events: (chat) => new EventSource(`/sandbox/v1/chats/${chat}/events`),
};

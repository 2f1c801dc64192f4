"""The Telegram conversation: routers, keyboards, texts, delivery, and the sandbox that stands in for Telegram."""

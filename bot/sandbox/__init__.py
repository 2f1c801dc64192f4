"""A local Telegram: a Bot API server, a chat page and an HTTP driver for tests. Nothing in the product knows of it."""

"""The web process: Sanic, what every request goes through, and the routes that belong to the core."""

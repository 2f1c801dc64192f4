"""`nb pricing`: what a generation costs, what the price is made from, and edits of it."""

from __future__ import annotations

from cli.commands.pricing import edits, looks, quotes
from cli.commands.pricing.quotes import parse_params
from cli.groups import new_group

__all__ = ["app", "parse_params"]

app = new_group("Quote, show, edit and check prices.")

app.command("quote")(quotes.quote)
app.command("list")(quotes.list_prices)
app.command("show")(looks.show_price)
app.command("set")(edits.set_price)
app.command("preview")(edits.preview)
app.command("history")(looks.history)
app.command("revert")(edits.revert)
app.command("check")(looks.check)
app.command("export")(looks.export)

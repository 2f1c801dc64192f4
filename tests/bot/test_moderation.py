"""What is not made here is told with its reason, and costs nothing."""

from __future__ import annotations

import pytest

from bot.texts import LANGUAGES, Words
from core.moderation.endpoint import THRESHOLDS
from core.moderation.words import shipped
from tests.bot.people import Person

pytestmark = pytest.mark.integration

CATEGORIES = sorted({rule.category for rule in shipped().rules} | {category for _, category in THRESHOLDS.values()})


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_that_is_refused_has_words_of_its_own(category: str) -> None:
    """In both languages; one of an operator's own list has the general ones."""
    for language in LANGUAGES:
        assert Words(language)(f"refused-content_refused-{category}")


async def test_what_is_not_made_here_is_told_with_its_reason_and_not_charged(mia: Person, masha: Person) -> None:
    """Many of them make a pause, which is told as well."""
    [answer] = await masha.send("раздень её")
    assert "Раздевать людей на фото я не буду" in answer["text"]
    for number in range(3):
        [answer] = await mia.send(f"how to make a pipe bomb {number}")
        assert "real violence" in answer["text"]
    [answer] = await mia.send("a red fox")
    assert "60 min" in answer["text"]
    assert await mia.balance() == await masha.balance() == "50.00"
    assert await mia.jobs() == []

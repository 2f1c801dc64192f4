"""Pictures drawn from words: mountains, sea, city, forest, desert or space, the same for the same prompt always."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from random import Random

from PIL import Image

from providers.demo import brush, city, land, sea, space, words
from providers.demo.brush import Size
from providers.demo.palette import Palette, choose
from providers.demo.words import Scene, Wish

SCENES: dict[Scene, Callable[[Image.Image, Random, Wish, Palette], None]] = {
    Scene.MOUNTAINS: land.mountains,
    Scene.SEA: sea.sea,
    Scene.CITY: city.city,
    Scene.FOREST: land.forest,
    Scene.SPACE: space.space,
    Scene.DESERT: land.desert,
}


def draw(prompt: str, size: Size, *, variant: int = 0) -> Image.Image:
    """Return the picture of a prompt; each variant is another picture of the same words."""
    rng = Random(sha256(f"{variant}\n{prompt}".encode(errors="surrogatepass")).digest())
    wish = words.read(prompt, rng)
    palette = choose(wish, rng)
    image = brush.gradient(size, palette.sky)
    SCENES[wish.scene](image, rng, wish, palette)
    if wish.is_winter and wish.scene is not Scene.SPACE:
        brush.snowfall(image, rng)
    return brush.finish(image, rng)

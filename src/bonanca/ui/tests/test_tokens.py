"""Every pair of a text and its ground reaches WCAG 2.2 AA, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bonanca.ui.charts.figure import PAPER

CSS = Path(__file__).resolve().parents[1] / "static" / "ui"
TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(
        r"(--[\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", (CSS / "tokens.css").read_text()
    )
}
GROUNDS = ("--ground", "--surface", "--raised", "--sunken")
MEANINGS = ("--burning", "--risk", "--calm", "--unknown", "--accent")


def luminance(color: str) -> float:
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_is_legible_on_every_ground(theme: int) -> None:
    texts = ("--text", "--text-soft", *MEANINGS)
    poor = {
        (text, ground): round(contrast(TOKENS[text][theme], TOKENS[ground][theme]), 2)
        for text in texts
        for ground in GROUNDS
        if contrast(TOKENS[text][theme], TOKENS[ground][theme]) < 4.5
    }
    assert poor == {}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("meaning", MEANINGS)
def test_a_meaning_is_legible_on_its_wash(meaning: str, theme: int) -> None:
    for text in (meaning, "--text", "--text-soft"):
        assert contrast(TOKENS[text][theme], TOKENS[f"{meaning}-wash"][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_buttons_and_borders_of_fields_stand_out(theme: int) -> None:
    for solid in ("--accent-solid", "--accent-solid-hover", "--burning-solid", "--burning-solid-hover"):
        assert contrast("#ffffff", TOKENS[solid][theme]) >= 4.5
    for ground in GROUNDS:
        assert contrast(TOKENS["--line-strong"][theme], TOKENS[ground][theme]) >= 3


def test_documents_have_the_colours_of_the_light_theme() -> None:
    assert {name: TOKENS[name][0] for name in PAPER} == PAPER


def test_every_token_that_is_used_exists() -> None:
    defined = set(re.findall(r"(--[\w-]+):", "".join(path.read_text() for path in CSS.glob("*.css"))))
    for path in CSS.glob("*.css"):
        used = set(re.findall(r"var\((--[\w-]+)", path.read_text()))
        assert used <= defined, path.name

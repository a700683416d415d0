"""The translations check fails for each way in which a language can be incomplete."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest

from bonanca.ui.translations import catalogs
from bonanca.ui.translations.checking import check, missing, problems_of

HEADER = (
    'msgid ""\nmsgstr ""\n"Language: pt_BR\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
)
GOOD = 'msgid "Open %(name)s"\nmsgstr "Abrir %(name)s"\n\nmsgid "Close"\nmsgstr "Fechar"\n'


@pytest.fixture
def room(tmp_path: Path) -> Path:
    room = tmp_path / "bonanca" / "shop"
    (room / "templates" / "shop").mkdir(parents=True)
    (room / "__init__.py").touch()
    (room / "views.py").write_text('from x import gettext as _\ntitle = _("Open %(name)s") % {"name": "a"}\n')
    (room / "cli.py").write_text('_("English only")\n')
    (room / "templates" / "shop" / "page.html").write_text('{% load i18n ui %}{% badge _("Close") tone="risk" %}')
    write(room, GOOD)
    return room


def write(room: Path, entries: str) -> None:
    po = catalogs.Catalogue(room, "pt_BR").po
    po.parent.mkdir(parents=True, exist_ok=True)
    po.write_text(HEADER + entries, encoding="utf-8")


def problems(room: Path) -> list[str]:
    return problems_of(room, root=room.parents[1])


def test_a_complete_catalogue_has_no_problem(room: Path) -> None:
    assert problems(room) == []


def test_a_missing_message_of_a_template_is_found(room: Path) -> None:
    write(room, 'msgid "Open %(name)s"\nmsgstr "Abrir %(name)s"\n')
    assert len(problems(room)) == 1
    assert "page.html:1: not in" in problems(room)[0]
    assert [message.msgid for message in missing(room, "pt_BR", package=room.parent)] == ["Close"]


def test_a_missing_catalogue_is_found(room: Path) -> None:
    catalogs.Catalogue(room, "pt_BR").po.unlink()
    assert len(problems(room)) == 2


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (GOOD.replace('"Fechar"', '""'), "empty: 'Close'"),
        (GOOD.replace('msgid "Close"', '#, fuzzy\nmsgid "Close"'), "fuzzy: 'Close'"),
        (GOOD.replace("Abrir %(name)s", "Abrir %(nome)s"), "placeholders differ"),
        (GOOD.replace("Abrir %(name)s", "Abrir"), "placeholders differ"),
        (GOOD + '\nmsgid "Nobody says this"\nmsgstr "Ninguém diz isto"\n', "unused: 'Nobody says this'"),
    ],
)
def test_each_violation_is_named_with_its_line(room: Path, entries: str, problem: str) -> None:
    write(room, entries)
    assert len(problems(room)) == 1
    assert problem in problems(room)[0]
    assert problems(room)[0].startswith("bonanca/shop/locale/pt_BR/LC_MESSAGES/django.po:")


def test_plurals_may_leave_out_the_number_in_the_singular_only(room: Path) -> None:
    (room / "views.py").write_text('ngettext("%(n)s order", "%(n)s orders", n)\n')
    entry = 'msgid "%(n)s order"\nmsgid_plural "%(n)s orders"\nmsgstr[0] "um pedido"\nmsgstr[1] "{}"\n\n'
    close = 'msgid "Close"\nmsgstr "Fechar"\n'
    write(room, entry.format("%(n)s pedidos") + close)
    assert problems(room) == []
    write(room, entry.format("pedidos") + close)
    assert "placeholders differ" in problems(room)[0]


def test_two_rooms_may_not_translate_one_message_differently(room: Path) -> None:
    other = room.parent / "stock"
    other.mkdir()
    (other / "__init__.py").touch()
    (other / "views.py").write_text('_("Close")\n')
    write(other, 'msgid "Close"\nmsgstr "Encerrar"\n')
    assert any("give one of them a context" in line for line in check(room.parent))
    write(other, 'msgid "Close"\nmsgstr "Fechar"\n')
    assert check(room.parent) == []


def test_compilation_makes_what_gettext_reads_and_only_when_it_is_stale(room: Path) -> None:
    assert [c.room for c in catalogs.compile_stale(room.parent)] == [room]
    catalogue = catalogs.Catalogue(room, "pt_BR")
    with catalogue.mo.open("rb") as compiled:
        assert gettext.GNUTranslations(compiled).gettext("Close") == "Fechar"
    assert catalogs.compile_stale(room.parent) == []
    write(room, GOOD.replace("Fechar", "Encerrar"))
    assert len(catalogs.compile_stale(room.parent)) == 1
    assert list(catalogue.mo.parent.glob("*.new")) == []

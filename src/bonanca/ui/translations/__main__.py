"""`python -m bonanca.ui.translations compile | check | extract ROOM`."""

from __future__ import annotations

import argparse
import sys

from bonanca.ui.translations.catalogs import LOCALES, PACKAGE, Catalogue, compile_stale, rooms


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


HEADER = 'msgid ""\nmsgstr ""\n"Language: {locale}\\n"\n"MIME-Version: 1.0\\n"\n' + (
    '"Content-Type: text/plain; charset=UTF-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
    '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n'
)


def _extract(name: str) -> int:
    from bonanca.ui.translations.checking import missing

    by_name = {".".join(room.relative_to(PACKAGE).parts): room for room in rooms()}
    room = by_name.get(name.removeprefix("bonanca."))
    if room is None:
        print(f"no room {name!r}: expected one of {', '.join(by_name)}", file=sys.stderr)
        return 2
    for locale in LOCALES:
        catalogue = Catalogue(room, locale)
        if not catalogue.po.exists():
            print(f"# {catalogue.po.relative_to(PACKAGE.parent)} does not exist yet; it begins with:")
            print(HEADER.format(locale=locale))
        for message in missing(room, locale):
            print(f"#: {' '.join(message.places[:3])}")
            if "%(" in message.msgid:
                print("#, python-format")
            if message.context:
                print(f"msgctxt {_quoted(message.context)}")
            print(f"msgid {_quoted(message.msgid)}")
            if message.plural:
                print(f'msgid_plural {_quoted(message.plural)}\nmsgstr[0] ""\nmsgstr[1] ""\n')
            else:
                print('msgstr ""\n')
    return 0


def _check() -> int:
    from bonanca.ui.translations.checking import check

    problems = check()
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"{len(problems)} translation problems; `extract ROOM` prints what is missing.", file=sys.stderr)
        return 1
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run one of the three commands and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bonanca.ui.translations", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("compile", help="write every .mo beside its .po")
    commands.add_parser("check", help="fail when a message is missing, fuzzy, empty, unused or differs")
    extract = commands.add_parser("extract", help="print what a room's catalogue lacks, as .po entries to fill in")
    extract.add_argument("room")
    arguments = parser.parse_args(argv)
    if arguments.command == "compile":
        for catalogue in compile_stale(everything=True):
            print(catalogue.mo.relative_to(PACKAGE.parent))
        return 0
    return _check() if arguments.command == "check" else _extract(arguments.room)


if __name__ == "__main__":
    sys.exit(main())

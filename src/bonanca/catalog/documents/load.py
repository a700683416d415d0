"""From a file, a directory or a text to a Catalog, or to every reason why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.catalog.documents.checks import Placed, check_all
from bonanca.catalog.documents.nodes import MAX_BYTES, Node, parse_nodes
from bonanca.catalog.documents.openslo import API_VERSION, OpenSlo
from bonanca.catalog.documents.problems import CatalogInvalid, Problem, Problems
from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.documents.service_parts import read_service
from bonanca.catalog.documents.teams import read_team
from bonanca.catalog.spec import Catalog, ServiceView, TeamSpec

MAX_FILES = 500
SUFFIXES = (".yaml", ".yml")


def load_catalog(path: Path) -> Catalog:
    """Read a YAML file, or every *.yaml and *.yml directly in a directory.

    Raises:
        CatalogInvalid: with every problem found, each as `file:line: what is wrong (got X): what was expected`.
    """
    loader = _Loader(path.parent if path.is_file() else path)
    for file in _files(path, loader.problems):
        text = _text(file, loader.problems)
        if text is not None:
            loader.read(text, str(file), file.resolve().parent)
    return loader.finish(str(path))


def load_text(text: str, *, name: str, base: Path) -> Catalog:
    """Read YAML text (of a request); `name` stands for the file in messages, relative paths start at `base`.

    Raises:
        CatalogInvalid: as for `load_catalog`.
    """
    loader = _Loader(base)
    loader.read(text, name, base)
    return loader.finish(name)


def _files(path: Path, problems: Problems) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        found = sorted(f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file())
    except OSError as error:
        problems.add(str(path), 1, _("cannot be read (%(reason)s)") % {"reason": error.strerror or error})
        return []
    if not found:
        problems.add(str(path), 1, _("this directory has no *.yaml file"))
    elif len(found) > MAX_FILES:
        problems.add(str(path), 1, _("this directory has more than %(limit)d YAML files") % {"limit": MAX_FILES})
    return found[:MAX_FILES]


def _text(file: Path, problems: Problems) -> str | None:
    try:
        with file.open("rb") as stream:
            # One byte more than allowed tells "too large" without reading a disk image into memory.
            return stream.read(MAX_BYTES + 1).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.add(str(file), line, _("this is not UTF-8 text"))
    except (OSError, ValueError) as error:
        # ValueError: a path with a NUL byte.
        problems.add(
            str(file), 1, _("cannot be read (%(reason)s)") % {"reason": getattr(error, "strerror", None) or error}
        )
    return None


class _Loader:
    def __init__(self, base: Path) -> None:
        self.problems = Problems()
        self.teams: list[Placed[TeamSpec]] = []
        self.services: list[Placed[ServiceView]] = []
        self.openslo = OpenSlo(base, self.problems)
        self.documents = 0

    def read(self, text: str, file: str, base: Path) -> None:
        for root in parse_nodes(text, file, self.problems):
            # OpenSLO's own examples put several documents into one list.
            for node in root.value if isinstance(root.value, list) and _is_openslo_list(root) else [root]:
                self.documents += 1
                self._document(node, base)

    def _document(self, node: Node, base: Path) -> None:
        if not isinstance(node.value, dict):
            expected = _("a mapping with version, teams and services")
            message = _("the document is not a catalog (got %(got)s)") % {"got": node.shown()}
            self.problems.add(node.file, node.line, message, expected)
            return
        version = node.value.get("apiVersion")
        if version is not None and version.value == API_VERSION:
            self.openslo.add(node)
            return
        reader = Reader(node, _("the catalog"), base, self.problems)
        if version is not None:
            reader.bad(version, "apiVersion", _("%(version)s, or no apiVersion") % {"version": API_VERSION})
            return
        written = reader.take("version", required=True)
        if written is not None and (written.value != 1 or isinstance(written.value, bool)):
            reader.bad(written, "version", "1")
        self.teams += reader.each("teams", lambda each: _placed(each, read_team(each)), _("a team"))
        self.services += reader.each("services", lambda each: _placed(each, read_service(each)), _("a service"))
        reader.done()

    def finish(self, name: str) -> Catalog:
        if not self.documents and not self.problems.found:
            self.problems.add(name, 1, _("there is nothing in it"), _("a mapping with version, teams and services"))
        self._join_openslo()
        check_all(self.teams, self.services, self.problems)
        self.problems.raise_if_any()
        return Catalog(
            teams=tuple(sorted((t.value for t in self.teams), key=lambda team: team.slug)),
            services=tuple(sorted((s.value for s in self.services), key=lambda service: service.slug)),
        )

    def _join_openslo(self) -> None:
        for found in self.openslo.slos():
            for index, place in enumerate(self.services):
                if place.value.slug == found.service:
                    slo = found.slo
                    if slo.source.kind == "gateway" and slo.source.service is None:
                        slo = replace(slo, source=replace(slo.source, service=found.service))
                    joined = replace(place.value, slos=(*place.value.slos, slo))
                    self.services[index] = replace(place, value=joined)
                    break
            else:
                known = ", ".join(sorted(p.value.slug for p in self.services)) or _("none")
                self.problems.add(
                    found.file,
                    found.line,
                    _("SLO '%(slug)s': unknown service (got '%(got)s')")
                    % {"slug": found.slo.slug, "got": found.service},
                    _("one of those declared (%(names)s)") % {"names": known},
                )


def _is_openslo_list(root: Node) -> bool:
    return isinstance(root.value, list) and any(
        isinstance(n.value, dict) and "apiVersion" in n.value for n in root.value
    )


def _placed(reader: Reader, value: TeamSpec | ServiceView) -> Placed:  # type: ignore[type-arg]
    return Placed(value, reader.node.file, reader.node.line)


__all__ = ["CatalogInvalid", "Problem", "load_catalog", "load_text"]

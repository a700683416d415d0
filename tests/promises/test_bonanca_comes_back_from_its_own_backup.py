"""The machine is gone; a file of its own backup and the key bring Bonança back, in its embedded server, by command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.promises.instance import Instance
from tests.support.poll import eventually


def people(instance: Instance) -> set[str]:
    return {found["email"] for found in json.loads(instance.said("user", "list", "--json"))}


def test_bonanca_comes_back_with_what_it_knew_though_the_restore_is_killed_and_overwrites_nothing(
    tmp_path: Path,
) -> None:
    key, place = tmp_path / "elsewhere" / "own.age", tmp_path / "elsewhere" / "backups"
    first = Instance(tmp_path / "first" / "home", smtp_port=1)
    first.home.parent.mkdir()
    public = json.loads(first.said("backup", "keygen", str(key), "--json"))["recipient"]
    declared = {"BONANCA_SELF_BACKUP_PLACES": str(place), "BONANCA_SELF_BACKUP_RECIPIENTS": public}
    first.environment |= declared
    first.start()
    try:
        first.said("user", "create", "lia@loja.example", "--json")
        first.said("backup", "self", "take", "--json")
    finally:
        first.stop()
    shutil.rmtree(first.home)  # the machine is gone

    second = Instance(tmp_path / "second" / "home", smtp_port=1)
    second.home.parent.mkdir()
    newest = max(place.rglob("*.bnc"), key=lambda path: path.stat().st_mtime_ns)
    restore = ("backup", "self", "restore", str(newest), "--identity-file", str(key), "--json")

    # Killed when everything is loaded and has not its name yet.
    control = tmp_path / "control"
    control.mkdir()
    (control / "recovery.own_restore.loaded").touch()
    cut_short = second.spawn(*restore, BONANCA_CRASHPOINTS=str(control))
    eventually(lambda: list(control.glob("*@*")) or cut_short.poll() is not None, 120)
    assert cut_short.poll() is None, cut_short.communicate()
    cut_short.kill()
    cut_short.communicate()

    code, output, errors = second.run(*restore)
    assert code == 0, errors
    assert json.loads(output)["place"] == str(second.home / "postgres")
    second.environment |= declared
    second.start()
    try:
        assert "lia@loja.example" in people(second)
        assert second.run("audit", "verify")[0] == 0
        with second.database() as connection:
            names = {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}
        assert "bonanca_restoring" not in names
    finally:
        second.stop()
    code, _output, errors = second.run(*restore)
    assert code != 0
    assert "holds" in errors, "nothing is overwritten"

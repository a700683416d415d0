"""What pgBackRest 2.45 really said, and what is made of it."""

from __future__ import annotations

import json

import pytest

from bonanca.actuators.pgbackrest import newest_server, parse_info, parse_verify

FULL, INCR = "20261128-214356F", "20261128-214356F_20261128-214405I"
SOUND = f"""\
stanza: bench
status: ok
  archiveId: 15-1, total WAL checked: 6, total valid WAL: 6
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
  backup: {FULL}, status: valid, total files checked: 964, total valid files: 964
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
"""
DAMAGED = f"""\
2026-11-28 21:45:10.259 P01   INFO: invalid checksum '{FULL}/pg_data/base/5/2654.zst'
2026-11-28 21:45:10.262 P01   INFO: file missing '{FULL}/pg_data/base/5/3609.zst'
stanza: bench
status: error
  archiveId: 15-1, total WAL checked: 6, total valid WAL: 6
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
  backup: {FULL}, status: invalid, total files checked: 964, total valid files: 962
    missing: 1, checksum invalid: 1, size invalid: 0, other: 0
  backup: {INCR}, status: valid, total files checked: 964, total valid files: 964
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
"""
WAL = "15-1/0000000100000000/000000010000000000000003-16ddbca64e2ed4982c18606ff796c35709e0d1ae.zst"
LOG_DAMAGED = f"""\
2026-11-28 21:45:25.250 P02   INFO: invalid result {WAL}: [29] raised from local-2 protocol: zst error
{SOUND.replace("status: ok", "status: error").replace("total valid WAL: 6", "total valid WAL: 5")}"""


def test_a_sound_repository_is_sound_only_because_it_says_so() -> None:
    verdict = parse_verify(SOUND)
    assert verdict.ok
    assert verdict.of(FULL) == ""
    assert verdict.of("20200101-000000F") == "20200101-000000F: not checked"


@pytest.mark.parametrize("text", ["", "\n", "status: ok\n", "stanza: bench\nstatus: unheard of\n"])
def test_silence_is_no_verdict(text: str) -> None:
    verdict = parse_verify(text)
    assert not verdict.ok
    assert verdict.of(FULL) != ""


def test_damaged_files_are_named_and_a_backup_without_them_stays_good() -> None:
    verdict = parse_verify(DAMAGED)
    assert not verdict.ok
    assert verdict.damaged == (f"{FULL}/pg_data/base/5/2654.zst", f"{FULL}/pg_data/base/5/3609.zst")
    assert verdict.of(FULL).startswith(f"{FULL}: invalid ({FULL}/pg_data/base/5/2654.zst")
    assert verdict.of(INCR) == ""


def test_damaged_log_makes_no_backup_good() -> None:
    verdict = parse_verify(LOG_DAMAGED)
    assert not verdict.ok
    assert WAL in verdict.of(FULL)


def test_a_repository_without_its_index_is_not_sound() -> None:
    verdict = parse_verify("stanza: bench\nstatus: error\n  No usable backup.info file\n")
    assert verdict.of(FULL) == f"{FULL}: not checked (No usable backup.info file)"


def test_what_info_says_of_two_repositories_of_which_one_cannot_be_read() -> None:
    said = [
        {
            "archive": [{"database": {"id": 1, "repo-key": 2}, "id": "15-1", "max": "000000010000000000000006"}],
            "backup": [
                {
                    "archive": {"start": "000000010000000000000003", "stop": "000000010000000000000004"},
                    "database": {"id": 1, "repo-key": 2},
                    "error": False,
                    "info": {"delta": 1, "repository": {"delta": 2990816, "size": 2990816}, "size": 22992382},
                    "label": FULL,
                    "lsn": {"start": "0/3000028", "stop": "0/4000050"},
                    "timestamp": {"start": 1795902241, "stop": 1795902244},
                    "type": "full",
                }
            ],
            "db": [{"id": 1, "repo-key": 2, "system-id": 7713341358674793664, "version": "15"}],
            "name": "bench",
            "repo": [
                {"cipher": "none", "key": 1, "status": {"code": 99, "message": "[FormatError] unable\nmore"}},
                {"cipher": "aes-256-cbc", "key": 2, "status": {"code": 0, "message": "ok"}},
            ],
        }
    ]
    info = parse_info(json.dumps(said), "bench")
    assert [(one.key, one.cipher, one.problem) for one in info.repositories] == [
        (1, "none", "[FormatError] unable"),
        (2, "aes-256-cbc", ""),
    ]
    found = info.find(2, FULL)
    assert found is not None
    assert (found.kind, found.version, found.stop_lsn, found.stored) == ("full", 15, "0/4000050", 2990816)
    assert info.find(1, FULL) is None
    assert info.archived == {2: "000000010000000000000006"}
    with pytest.raises(ValueError, match="no stanza other"):
        parse_info(json.dumps(said), "other")
    with pytest.raises(ValueError, match="not the output"):
        parse_info("pgBackRest is not itself today", "bench")


def test_which_servers_a_release_knows() -> None:
    assert newest_server((2, 45)) == 15
    assert newest_server((2, 48)) == 16
    assert newest_server((2, 54)) == 17
    assert newest_server((3, 0)) is None

"""The one program that we run on another host: a constant. What it is to do comes through its standard input.

Nothing of a command is ever in a shell's text or in the list of processes before it runs: words are lines, each byte
outside a small alphabet as an octal escape of POSIX `printf %b`. On the host it

- takes the lock of the fence folder, kills a holder of an *older* epoch of the same plan, and refuses to act for an
  epoch that is over: the fence of `durable.fence`, on the host where the effect is;
- believes only a fence that nobody but the login that we use (and root) can change: that folder and every folder above
  it belong to one of the two and may be written to by nobody else. Whoever could write there could put another fence
  in its place, have us kill what they name, or lead what we write out of it;
- takes what the command reads through its own standard input into a file that nobody else may open and whose name is
  gone before a byte of it is there, and starts the command only when all of it has come;
- is on a leash: when our end of its standard input closes (the worker was killed, the network is gone), it ends with
  all that it has started, so that nothing goes on for a plan that another worker has taken.

It needs a POSIX shell, for effects flock (util-linux), and for what a command reads /proc, as every Debian, Red Hat or
Alpine with systemd has.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

# Exit codes of the guard itself; commands that end with one of them are told apart by the words on stderr.
BUSY, OUTDATED, NO_FOLDER = 75, 76, 77
SAID = "bonanca-guard:"
NOT_OURS = "not-ours "
_PLAIN = re.compile(rb"[A-Za-z0-9/_-]")

_SCRIPT = r"""
umask 077;
say() { echo "bonanca-guard: $1" >&2; exit "$2"; };
value() { IFS= read -r line || exit 78; got=$(printf "%bx" "$line"); got="${got%x}"; };
value; fence="$got"; value; run="$got"; value; epoch="$got"; value; patience="$got";
value; folder="$got"; value; given="$got"; value; size="$got";
set --; exports="";
while IFS= read -r line && [ "$line" != "." ]; do
  case "$line" in
    e*) exports="$exports ${line#?}" ;;
    *) got=$(printf "%bx" "${line#?}"); set -- "$@" "${got%x}" ;;
  esac;
done;
[ "$line" = "." ] || exit 78;
closed() {
  whole="$1"; at="$1"; set -- /;
  while [ -n "$at" ]; do set -- "$@" "$at"; at="${at%/*}"; done;
  ls -ldn -- "$@" | {
    while read -r mode links owner rest; do
      case "$owner" in 0|"$me") ;; *) say "not-ours /${rest#*/}" 77 ;; esac;
      case "$mode" in d????-??-*|d????????[tT]*|l*) shift ;; *) say "not-ours /${rest#*/}" 77 ;; esac;
    done;
    [ "$#" -eq 0 ] || say "not-ours $whole" 77;
  } || exit 77;
};
if [ -n "$fence" ]; then
  case "$fence" in /*) ;; *) say "not-ours $fence" 77 ;; esac;
  me=$(id -u); here=$(pwd) && [ -n "$here" ] || here=/;
  if [ ! -d "$fence" ]; then
    up="$fence"; while [ ! -e "$up" ] && [ ! -L "$up" ] && [ -n "$up" ]; do up="${up%/*}"; done;
    closed "$up"; real=$(cd -P -- "$up/" && pwd -P) || say "not-ours $up" 77; closed "$real";
    mkdir -p -- "$fence" || say "cannot-make $fence" 77;
  fi;
  [ ! -L "$fence" ] && cd -P -- "$fence" && real=$(pwd -P) || say "not-ours $fence" 77;
  closed "$fence"; [ "$real" = "$fence" ] || closed "$real";
  case "$(ls -ldn .)" in d????-??-*) ;; *) say "not-ours $fence" 77 ;; esac;
  exec 9>>lock || say "cannot-write $fence" 77;
  if ! flock -n 9; then
    if read -r who when group < holder && [ "$who" = "$run" ] && [ "$when" -lt "$epoch" ]; then
      case "$group" in *[!0-9]*) ;; [2-9]|[1-9][0-9]*) kill -s KILL -- "-$group" ;; esac;
    fi;
    flock -w "$patience" 9 || say busy 75;
  fi;
  newest=0; [ ! -f "$run" ] || read -r newest < "$run";
  [ "$newest" -le "$epoch" ] || say "outdated $newest" 76;
  if [ "$newest" != "$epoch" ]; then
    echo "$epoch" > "$run.new" && mv -f "$run.new" "$run" || say "cannot-write $fence" 77;
  fi;
  echo "$run $epoch $$" > holder || say "cannot-write $fence" 77;
  cd -- "$here" || cd /;
fi;
if [ -n "$given" ]; then
  mkdir -p "${given%/*}" || say "cannot-make ${given%/*}" 77;
  set -C; exec 4>"$given"; set +C;
  rm -f -- "$given";
  exec 5</proc/self/fd/4 6</proc/self/fd/4;
  head -c "$size" >&4;
  [ "$(wc -c <&6)" -eq "$size" ] || say cut-off 78;
  exec 4>&- 6<&-;
else
  exec 5</dev/null;
fi;
if [ -n "$folder" ]; then cd "$folder" || say "no-folder $folder" 77; fi;
exec 3<&0;
(
  umask 022; set -f;
  for _bonanca in $exports; do _bonanca=$(printf "%bx" "$_bonanca"); export "${_bonanca%x}"; done;
  exec "$@" 3<&- 9>&- <&5 5<&-
) & child=$!;
(exec 1>/dev/null 2>&1 9>&- 5<&-; cat <&3; kill -s KILL -- "-$$") & leash=$!;
exec 3<&- 5<&-;
wait "$child"; code=$?;
kill -s KILL "$leash" 2>/dev/null;
exit "$code"
"""

COMMAND = "exec /bin/sh -c " + shlex.quote(" ".join(_SCRIPT.split())) + " bonanca"


def encoded(word: str | bytes) -> bytes:
    """A word as one line's text, of letters, digits, `/`, `_`, `-` and octal escapes."""
    raw = word.encode() if isinstance(word, str) else word
    if b"\0" in raw:
        raise ValueError("a word of a command cannot hold a NUL byte")
    return b"".join(
        bytes([byte]) if _PLAIN.match(bytes([byte])) else b"\\0" + format(byte, "03o").encode() for byte in raw
    )


def orders(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: str,
    given: str = "",
    size: int = 0,
    fence: str = "",
    run: str = "",
    epoch: int = 0,
    patience_s: float = 0.0,
) -> bytes:
    """What the guard reads before it begins; `size` bytes for the command follow it when there is a name `given`."""
    head = (fence, run, str(epoch), str(max(0, round(patience_s))), folder, given, str(size))
    lines = [encoded(word) for word in head]
    lines += [b"e" + encoded(f"{name}={value}") for name, value in env.items()]
    lines += [b"a" + encoded(word) for word in argv]
    return b"\n".join([*lines, b".", b""])

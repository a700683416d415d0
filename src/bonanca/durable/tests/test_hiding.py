"""What people are not shown of a configuration: everybody who sees a plan reads its preview."""

from __future__ import annotations

import pytest

from bonanca.durable.hiding import without_secrets


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("-password = hush now", "-password = •••"),
        ("+DB_PASSWORD=hush", "+DB_PASSWORD=•••"),
        (" export API_KEY='hush'", " export API_KEY=•••"),
        ('+  "client-secret": "hush",', '+  "client-secret": •••'),
        ("-  smtp.passwd: hush # of the relay", "-  smtp.passwd: •••"),
        ('+{"user": "loja", "token": "hu\\"sh", "n": 3}', '+{"user": "loja", "token": •••, "n": 3}'),
        ("+url = postgresql://loja:hu@sh@db:5432/loja", "+url = postgresql://loja:•••@db:5432/loja"),
        ("-broker: amqp://hush:hush@mq/ # two", "-broker: amqp://hush:•••@mq/ # two"),
        ("+line = host=db password=hush user=loja", "+line = host=db password=••• user=loja"),
        ("+" + "aGFja2Vy" * 8, "+•••"),
        ("-limit = 10", "-limit = 10"),
        ("+password:", "+password:"),
        ("@@ -1,3 +1,3 @@", "@@ -1,3 +1,3 @@"),
        ("+url = https://loja.example/path?x=1", "+url = https://loja.example/path?x=1"),
    ],
)
def test_secrets_are_left_out_and_the_rest_stays(line: str, shown: str) -> None:
    assert without_secrets(line) == shown

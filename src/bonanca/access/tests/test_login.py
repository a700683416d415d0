"""Signing in: the right person gets in, nobody else learns anything."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from bonanca.access.actors import SYSTEM
from bonanca.access.models import LoginAttempt, LoginLink, User
from bonanca.access.operations.create_login_link import create_login_link
from bonanca.access.operations.set_password import set_password
from bonanca.access.operations.sign_in import (
    PER_ACCOUNT,
    PER_ADDRESS,
    TooManyAttempts,
    WrongCredentials,
    network_of,
    sign_in,
)
from bonanca.access.operations.use_login_link import use_login_link
from bonanca.kernel.errors import BonancaError, Invalid, NotFound

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashes(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ana(owner: User) -> User:
    set_password(email=owner.email, password=PASSWORD, actor=SYSTEM("test"), now=NOW)
    User.objects.filter(id=owner.id).update(locale="en")
    owner.refresh_from_db()
    return owner


def post_login(client: Client, password: str = PASSWORD, email: str = "ana@loja.example", **data: str):
    return client.post("/login/", {"email": email, "password": password, **data})


def test_the_right_password_opens_the_wanted_page(client: Client, ana: User) -> None:
    response = post_login(client, next="/profile/")
    assert (response.status_code, response.headers["Location"]) == (302, "/profile/")
    assert client.get("/profile/").status_code == 200


def test_the_e_mail_is_compared_without_case(client: Client, ana: User) -> None:
    assert post_login(client, email=" ANA@Loja.Example ").status_code == 302


@pytest.mark.parametrize(("email", "password"), [("ana@loja.example", "wrong"), ("nobody@loja.example", PASSWORD)])
def test_a_wrong_password_and_an_unknown_account_look_the_same(
    client: Client, ana: User, email: str, password: str
) -> None:
    response = post_login(client, email=email, password=password)
    assert response.status_code == 422
    assert "The e-mail address or the password is wrong." in response.content.decode()
    assert "sessionid" not in response.cookies


def test_a_closed_account_cannot_enter(client: Client, ana: User) -> None:
    User.objects.filter(id=ana.id).update(is_active=False)
    assert post_login(client).status_code == 422


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "\x00https://evil.example",
    ],
)
def test_no_redirect_leaves_the_house(client: Client, ana: User, target: str) -> None:
    assert post_login(client, next=target).headers["Location"] == "/"
    assert client.get("/login/", {"next": target}).headers["Location"] == "/"
    assert client.post("/language/", {"language": "en", "next": target}).headers["Location"] == "/"


def test_a_planted_session_is_worth_nothing_after_login(client: Client, ana: User) -> None:
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    post_login(client)
    assert client.session.session_key != planted
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert thief.get("/profile/").status_code == 302


def test_a_new_password_ends_the_sessions(client: Client, ana: User) -> None:
    post_login(client)
    set_password(email=ana.email, password="another long one", actor=SYSTEM("test"), now=NOW)
    assert client.get("/profile/").status_code == 302


def test_weak_passwords_are_refused(owner: User) -> None:
    for weak in ("short", "password12", ""):
        with pytest.raises(Invalid):
            set_password(email=owner.email, password=weak, actor=SYSTEM("test"), now=NOW)


def test_logging_out_is_a_post(client: Client, ana: User) -> None:
    post_login(client)
    refused = client.get("/logout/")
    assert refused.status_code == 405
    assert "It takes: POST." in refused.content.decode()
    assert client.get("/profile/").status_code == 200
    assert client.post("/logout/").status_code == 302
    assert client.get("/profile/").status_code == 302


def test_csrf_is_enforced_on_every_form(ana: User) -> None:
    client = Client(enforce_csrf_checks=True)
    for path in ("/login/", "/logout/", "/language/", "/login/once/x"):
        response = client.post(path, {"email": ana.email, "password": PASSWORD, "language": "en"})
        assert response.status_code == 403, path
        assert "This form has expired" in response.content.decode()


def attempt(password: str = "no", *, now: datetime = NOW, email: str = "ana@loja.example", address: str = "10.0.0.1"):  # noqa: S107
    return sign_in(email=email, password=password, address=address, now=now)


def test_guessing_at_an_account_is_stopped_whatever_the_address(ana: User) -> None:
    for number in range(PER_ACCOUNT):
        with pytest.raises(WrongCredentials):
            attempt(address=f"10.0.0.{number}")
    with pytest.raises(TooManyAttempts) as refused:
        attempt(address="10.9.9.9", password=PASSWORD)
    assert 0 < refused.value.retry_after_s <= 900
    assert attempt(now=NOW + timedelta(minutes=16), password=PASSWORD) == ana


def test_guessing_from_an_address_is_stopped_whatever_the_account(ana: User) -> None:
    LoginAttempt.objects.bulk_create([LoginAttempt(key="address:10.0.0.1", at=NOW) for _ in range(PER_ADDRESS)])
    with pytest.raises(TooManyAttempts):
        attempt(password=PASSWORD)
    assert attempt(address="10.0.0.2", password=PASSWORD) == ana


def test_success_forgets_the_persons_own_mistakes(ana: User) -> None:
    for _ in range(PER_ACCOUNT - 1):
        with pytest.raises(WrongCredentials):
            attempt()
    attempt(password=PASSWORD)
    with pytest.raises(WrongCredentials):
        attempt()


def test_a_limited_login_says_when_to_come_back(client: Client, ana: User) -> None:
    for _ in range(PER_ACCOUNT):
        post_login(client, password="wrong")
    response = post_login(client)
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert "Too many attempts" in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_many_attempts_at_once_get_no_more_tries() -> None:
    outcomes: list[str] = []

    def guess() -> None:
        try:
            attempt(email="eva@loja.example")
        except BonancaError as refused:
            outcomes.append(type(refused).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(PER_ACCOUNT + 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("WrongCredentials") == PER_ACCOUNT
    assert outcomes.count("TooManyAttempts") == 6


def test_addresses_of_one_ipv6_host_count_together() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") == "2001:db8::/64"
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1")
    assert network_of("") == "unknown"


def test_a_login_link_works_once_and_only_by_its_button(client: Client, owner: User) -> None:
    link = create_login_link(email=owner.email, actor=SYSTEM("test"), now=datetime.now(UTC))
    for _ in range(3):  # programs that look into mail
        assert client.get(link.path).status_code == 200
    assert client.get("/profile/").status_code == 302
    assert client.post(link.path, {"next": "/profile/"}).headers["Location"] == "/profile/"
    assert client.get("/profile/").status_code == 200
    second = Client().post(link.path)
    assert second.status_code == 404
    assert "This login link is no longer valid." in second.content.decode()


def test_a_login_link_expires_and_keeps_no_secret(owner: User) -> None:
    link = create_login_link(email=owner.email, actor=SYSTEM("test"), now=NOW, expires_in_s=60)
    secret = link.path.rsplit("/", 1)[1]
    assert secret not in str(LoginLink.objects.values_list().get())
    with pytest.raises(NotFound):
        use_login_link(secret=secret, now=NOW + timedelta(seconds=61))
    with pytest.raises(NotFound):
        use_login_link(secret="guess", now=NOW)
    assert use_login_link(secret=secret, now=NOW + timedelta(seconds=59)) == owner


def test_language_is_chosen_by_browser_switch_and_person(client: Client, ana: User) -> None:
    assert client.get("/login/").headers["Content-Language"] == "en"
    client.post("/language/", {"language": "pt-br", "next": "/login/"})
    assert client.get("/login/").headers["Content-Language"] == "pt-br"
    client.force_login(ana)
    client.post("/language/", {"language": "pt-br"})
    ana.refresh_from_db()
    assert ana.locale == "pt-br"
    assert client.post("/language/", {"language": "tlh"}).status_code == 422


def test_preferences_are_saved(client: Client, ana: User) -> None:
    client.force_login(ana)
    response = client.post("/profile/", {"locale": "pt-br", "time_zone": "Europe/Lisbon", "theme": "dark"})
    assert response.status_code == 302
    ana.refresh_from_db()
    assert (ana.locale, ana.time_zone, ana.theme) == ("pt-br", "Europe/Lisbon", "dark")
    assert response.cookies["bonanca_theme"].value == "dark"
    assert client.post("/profile/", {"locale": "en", "time_zone": "Mars/Base", "theme": "dark"}).status_code == 422

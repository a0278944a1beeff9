"""Letters to real far ends: a web server, a mail server, a shell, apprise."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from receivers import MailBox, Receiver, http_receiver, mail_box

from crude_link.alerting import carry_letter
from crude_link.app import Desk
from crude_link.couriers.carrying import Means, carry
from crude_link.couriers.letter import Letter, NotDelivered
from crude_link.model.alert import Alert, AlertKind
from crude_link.model.pipeline import Secret
from crude_link.model.recipient import Address, AppriseUrls, Heartbeat, Mail, ShellCall, Tls, Webhook
from crude_link.model.value import Reference, Template, Text
from crude_link.store.place import Project

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
LETTER = Letter(
    id=7,
    alert=Alert(
        kind=AlertKind.FAILED,
        pipeline="night",
        at=NOON,
        title="night: run 42 failed at 'träin': exit 1",
        run=42,
        step="träin",
        last_lines=("ValueError: ü",),
        commands=("crude-link resume 42",),
    ),
)
VALUE = "s3cr3t-väluable"
TOKEN = Template((Reference("secrets.TOKEN"),))
SECRETS = (Secret(name="TOKEN", env="TOKEN"), Secret(name="GONE", env="GONE"))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as one:
        yield one


@pytest.fixture
def box() -> Iterator[MailBox]:
    with mail_box() as one:
        yield one


@pytest.fixture
def environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "TOKEN": VALUE}


@pytest.fixture
def desk(tmp_path: Path, environment: dict[str, str]) -> Desk:
    return Desk(project=Project(directory=tmp_path, home=tmp_path / ".crude-link"), environment=environment)


def told(desk: Desk, address: Address) -> str:
    return carry_letter(desk, LETTER, address, SECRETS)


def refused(desk: Desk, address: Address) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        told(desk, address)
    assert desk.environment["TOKEN"] not in str(caught.value)
    return caught.value


def mail(box: MailBox, *to: Text, password: Text | None = None) -> Mail:
    user = "me" if password else None
    return Mail(
        to=to or ("ops@example.org",),
        sender="crude@example.org",
        host="127.0.0.1",
        port=box.port,
        user=user,
        password=password,
        tls=Tls.NONE,
    )


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_webhook_gets_json_and_headers_with_their_secrets(
    receiver: Receiver, desk: Desk, environment: dict[str, str]
) -> None:
    headers: dict[str, Text] = {"Authorization": Template(("Bearer ", Reference("secrets.TOKEN")))}
    environment["TOKEN"] = "plain-secret"
    assert told(desk, Webhook(url=f"{receiver.url}/hook", headers=headers)) == "200 OK"
    (request,) = receiver.got
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["Authorization"] == "Bearer plain-secret"
    assert request.headers["Content-Type"] == "application/json"
    said = json.loads(request.body)
    assert (said["id"], said["kind"], said["run"], said["step"]) == (7, "failed", 42, "träin")
    assert said["last_lines"] == ["ValueError: ü"]
    assert said["at"].startswith("2026-11-21T")


def test_a_webhook_may_want_json_of_its_own(receiver: Receiver, desk: Desk) -> None:
    told(desk, Webhook(url=receiver.url, body={"text": "{title}", "chat": TOKEN, "run": "{run}"}))
    assert json.loads(receiver.got[0].body) == {"text": LETTER.alert.title, "chat": VALUE, "run": 42}


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_what_a_webhook_answers_is_told_in_words_without_secrets(receiver: Receiver, desk: Desk, status: int) -> None:
    receiver.statuses, receiver.words = [status], f"bad token {VALUE}\nmore"
    error = refused(desk, Webhook(url=receiver.url, headers={"X-Other": "1"}, body={"token": TOKEN}))
    assert str(error).startswith(f"answered {status}")
    assert "bad token ***" in str(error)
    assert not error.is_unreachable


def test_a_webhook_that_has_moved_is_not_followed(receiver: Receiver, desk: Desk) -> None:
    receiver.statuses, receiver.location = [302], f"{receiver.url}/elsewhere"
    assert "answered 302" in str(refused(desk, Webhook(url=receiver.url)))
    assert len(receiver.got) == 1


def test_nobody_who_listens_is_unreachable(desk: Desk) -> None:
    error = refused(desk, Webhook(url=f"http://127.0.0.1:{free_port()}/{{x}}"))
    assert str(error) == "cannot be reached: Connection refused"
    assert error.is_unreachable


@pytest.mark.parametrize("url", ["http://", "http://[::1", "ftp://a.org", "http://a.org:x/", "http://a b/"])
def test_a_url_that_is_none_is_told(desk: Desk, environment: dict[str, str], url: str) -> None:
    environment["TOKEN"] = url
    refused(desk, Webhook(url=TOKEN))


def test_who_hangs_is_not_waited_for(receiver: Receiver) -> None:
    receiver.answers.clear()
    means = Means(secret=str, masks=list, in_shell=lambda text, _: str(text), run=lambda *_: "", longest=0.3)
    with pytest.raises(NotDelivered, match=r"took longer than 0\.3 s") as caught:
        carry(LETTER, Webhook(url=receiver.url), means)
    assert caught.value.is_unreachable


def test_a_heartbeat_is_a_call(receiver: Receiver, desk: Desk) -> None:
    assert told(desk, Heartbeat(url=f"{receiver.url}/beat")) == "200 OK"
    assert [(one.method, one.path, one.body) for one in receiver.got] == [("GET", "/beat", b"")]


def test_mail_says_it_all(box: MailBox, desk: Desk) -> None:
    assert told(desk, mail(box, "ops@example.org", "ada@example.org")) == "taken by 127.0.0.1"
    (message,) = box.took
    assert box.envelopes == [("crude@example.org", ["ops@example.org", "ada@example.org"])]
    assert message["Subject"] == "[crude-link] night: run 42 failed at 'träin': exit 1"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert "ValueError: ü" in text
    assert "crude-link resume 42" in text


def test_mail_is_sent_with_the_password_that_is_a_secret(
    box: MailBox, desk: Desk, environment: dict[str, str]
) -> None:
    environment["TOKEN"] = "right-password"
    told(desk, mail(box, password=TOKEN))
    assert box.logins == [(b"me", b"right-password")]
    environment["TOKEN"] = "wrong-password"
    error = refused(desk, mail(box, password=TOKEN))
    assert str(error).startswith("the login was refused")
    assert "wrong-password" not in str(error)


def test_mail_that_one_of_two_refuses_is_not_sent_to_the_other_again(box: MailBox, desk: Desk) -> None:
    assert "refused: nobody@example.org: 550" in told(desk, mail(box, "ops@example.org", "nobody@example.org"))
    assert str(refused(desk, mail(box, "nobody@example.org"))).startswith("refused: nobody@example.org: 550")


def test_a_mail_server_without_encryption_is_told(box: MailBox, desk: Desk) -> None:
    address = Mail(to=("a@b.org",), sender="a@b.org", host="127.0.0.1", port=box.port, tls=Tls.STARTTLS)
    assert "offers no STARTTLS" in str(refused(desk, address))
    encrypted = Mail(to=("a@b.org",), sender="a@b.org", host="127.0.0.1", port=box.port, tls=Tls.SSL)
    assert refused(desk, encrypted)


def test_no_mail_server_is_unreachable(desk: Desk) -> None:
    nowhere = Mail(to=("a@b.org",), sender="a@b.org", host="127.0.0.1", port=free_port(), tls=Tls.NONE)
    assert refused(desk, nowhere).is_unreachable


def test_a_command_gets_the_text_on_stdin_and_the_facts_around_it(desk: Desk) -> None:
    text = Template(('cat; echo "$CRUDE_LINK_ALERT_KIND $CRUDE_LINK_ALERT_RUN" ', Reference("secrets.TOKEN")))
    assert told(desk, ShellCall(text=text)) == "failed 42 ***"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo no >&2; exit 3", "ended with exit 3: no"),
        ("kill -9 $$", "was killed by signal 9"),
    ],
)
def test_a_command_that_fails_is_told(desk: Desk, text: str, words: str) -> None:
    assert words in str(refused(desk, ShellCall(text=text)))


def test_a_command_that_fails_tells_no_secret(desk: Desk) -> None:
    text = Template(("false ", Reference("secrets.TOKEN")))
    assert "***" in str(refused(desk, ShellCall(text=text)))


def test_a_secret_that_is_not_there_is_told(desk: Desk) -> None:
    error = refused(desk, Webhook(url=Template((Reference("secrets.GONE"),))))
    assert "the environment variable GONE is not set" in str(error)


def test_apprise_reaches_its_services(receiver: Receiver, desk: Desk) -> None:
    pytest.importorskip("apprise")
    address = AppriseUrls(urls=(f"json://127.0.0.1:{receiver.port}/x",))
    assert told(desk, address) == "taken by 1 service"
    assert json.loads(receiver.got[0].body)["title"] == LETTER.alert.title
    receiver.statuses = [500]
    assert str(refused(desk, address)).startswith("apprise: ")


def test_apprise_does_not_understand_every_url(desk: Desk, environment: dict[str, str]) -> None:
    pytest.importorskip("apprise")
    environment["TOKEN"] = "nonsense://secret-key"
    error = refused(desk, AppriseUrls(urls=(TOKEN,)))
    assert "does not understand the URL ***" in str(error)


def test_without_apprise_the_extra_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    error = refused(desk, AppriseUrls(urls=("ntfy://topic",)))
    assert "pip install 'crude-link[notify]'" in str(error)

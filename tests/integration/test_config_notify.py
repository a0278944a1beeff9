"""What a config says of whom to tell."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from crude_link.app import escaped_in_shell
from crude_link.config.load import Source, build, load, recorded_recipient
from crude_link.errors import ConfigError
from crude_link.model.alert import CHANGES, AlertKind
from crude_link.model.pipeline import Pipeline
from crude_link.model.recipient import AppriseUrls, Heartbeat, Mail, ShellCall, Tls, Webhook
from crude_link.model.value import Reference, Template

HOOK = Template((Reference("secrets.HOOK"),))


def loaded(folder: Path, notify: str) -> Pipeline:
    path = folder / "config.yaml"
    steps = "steps: [{name: one, command: 'true'}]"
    path.write_text(f"params: {{who: ada}}\nsecrets: [HOOK]\n{steps}\n{notify}\n", encoding="utf-8")
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    source = Source(
        path=path, project=folder, now=now, environment={}, run_exec=lambda text: text, in_shell=escaped_in_shell
    )
    (pipeline,) = load(source)
    return pipeline


def test_one_entry_may_name_several_ways(tmp_path: Path) -> None:
    pipeline = loaded(
        tmp_path,
        """
notify:
  command: 'echo "$CRUDE_LINK_ALERT_TITLE" ${params.who}'
  webhook: https://example.org/hook
  apprise: ntfy://topic
  heartbeat: https://example.org/beat
""",
    )
    assert [each.address for each in pipeline.notify] == [
        ShellCall(text='echo "$CRUDE_LINK_ALERT_TITLE" ada'),
        Webhook(url="https://example.org/hook"),
        AppriseUrls(urls=("ntfy://topic",)),
        Heartbeat(url="https://example.org/beat"),
    ]
    assert [each.wants for each in pipeline.notify] == [*[CHANGES] * 3, frozenset({AlertKind.HEARTBEAT})]


def test_everything_can_be_said_and_comes_back_from_a_record(tmp_path: Path) -> None:
    pipeline = loaded(
        tmp_path,
        """
notify:
  - webhook:
      url: ${secrets.HOOK}
      headers: {Authorization: "Bearer ${secrets.HOOK}"}
      json: {text: "{title}", run: "{run}"}
    when: always
  - mail: {to: [a@example.org, b@example.org], from: me@example.org, host: mx.example.org, port: 2525,
           user: me, password: "${secrets.HOOK}", tls: ssl}
    when: [failed, recovered]
  - apprise: [ntfy://topic, "${secrets.HOOK}"]
""",
    )
    hook, mail, services = pipeline.notify
    assert hook.address == Webhook(
        url=HOOK,
        headers={"Authorization": Template(("Bearer ", Reference("secrets.HOOK")))},
        body={"text": "{title}", "run": "{run}"},
    )
    assert hook.wants == CHANGES | {AlertKind.ENDED}
    assert mail.address == Mail(
        to=("a@example.org", "b@example.org"),
        sender="me@example.org",
        host="mx.example.org",
        port=2525,
        user="me",
        password=HOOK,
        tls=Tls.SSL,
    )
    assert mail.wants == {AlertKind.FAILED, AlertKind.RECOVERED}
    assert services.address == AppriseUrls(urls=("ntfy://topic", HOOK))
    assert build(pipeline.document).notify == pipeline.notify
    again = [recorded_recipient(each.document, pipeline.document["secrets"]) for each in pipeline.notify]
    assert [recipient.address for recipient, _ in again] == [each.address for each in pipeline.notify]
    assert {secrets for _, secrets in again} == {pipeline.secrets}


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("ssl", 465), ("none", 25)])
def test_the_port_of_a_mail_server_follows_from_its_encryption(tmp_path: Path, tls: str, port: int) -> None:
    (mail,) = loaded(tmp_path, f"notify: {{mail: {{to: a@b.org, host: mx, tls: {tls}}}}}").notify
    assert isinstance(mail.address, Mail)
    assert (mail.address.port, mail.address.sender) == (port, "a@b.org")


def test_pipelines_share_whom_the_file_tells(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("""
notify: {webhook: https://example.org}
pipelines:
  one: {steps: [{command: 'true'}]}
  two: {steps: [{command: 'true'}], notify: {heartbeat: https://example.org}}
""")
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    source = Source(path=path, project=tmp_path, now=now, environment={}, run_exec=str, in_shell=escaped_in_shell)
    one, two = load(source)
    assert [str(each.address) for each in one.notify] == ["webhook https://example.org"]
    assert [str(each.address) for each in two.notify] == ["heartbeat https://example.org"]


def test_a_recipient_is_named_without_the_key_that_its_url_holds(tmp_path: Path) -> None:
    said = "notify: {webhook: 'https://ada:pw@hooks.example.org:8443/T0/B1/XyZ', apprise: 'tgram://123:abc/5'}"
    assert [str(each.address) for each in loaded(tmp_path, said).notify] == [
        "webhook https://hooks.example.org:8443",
        "apprise tgram",
    ]


@pytest.mark.parametrize(
    ("notify", "place", "words"),
    [
        ("notify: {webhok: https://x.org}", "4:10", "(did you mean 'webhook'?)"),
        ("notify: {email: {to: a@b.org}}", "4:10", "here it is called `mail`"),
        ("notify: {when: always}", "4:1", "names nobody to be told; it is one of command, webhook, mail"),
        ("notify: true", "4:9", "`notify` is a mapping such as {webhook: URL}, or a list of such, not true"),
        ("notify: {webhook: example.org}", "4:19", "`notify.webhook` is a URL that begins with https://"),
        ("notify: [{webhook: {headers: {}}}]", "4:11", "`url` is missing"),
        ("notify: {webhook: {url: 'https://x', json: [1]}}", "4:44", "is a mapping such as {text: '{title}'}"),
        (
            "notify: {webhook: {url: 'https://x', json: {a: '{titel}'}}}",
            "4:44",
            "has no 'titel' (did you mean 'title'?)",
        ),
        ("notify: {mail: {to: ops, host: mx}}", "4:21", "is a mail address such as ops@example.org"),
        ("notify: {mail: {to: a@b.org}}", "4:10", "`host` is missing"),
        ("notify: {mail: {to: a@b.org, server: mx}}", "4:30", "here it is called `host`"),
        ("notify: {mail: {to: a@b.org, host: mx, port: 0}}", "4:46", "is a number from 1 to 65535"),
        ("notify: {mail: {to: a@b.org, host: mx, tls: yes}}", "4:45", "is starttls or ssl or none"),
        ("notify: {mail: {to: a@b.org, host: mx, user: me}}", "4:10", "`user` and `password` go together"),
        (
            "notify: {mail: {to: a@b.org, host: mx, user: me, password: hunter22}}",
            "4:60",
            "stands in the clear, and the config is kept with each run",
        ),
        ("notify: {apprise: topic}", "4:19", "is a URL in apprise's words"),
        ("notify: {webhook: https://x.org, when: never}", "4:40", "is change, always, or a list out of failed"),
        ("notify: {webhook: https://x.org, when: [faild]}", "4:41", "(did you mean 'failed'?)"),
        ("notify: {webhook: 'https://x/${run.id}'}", "4:19", "is not of one run and knows only secrets"),
        ("notify: {webhook: 'https://x/${secrets.HOK}'}", "4:19", "there is no secret 'HOK' (did you mean 'HOOK'?)"),
    ],
)
def test_each_mistake_is_told_with_its_place(tmp_path: Path, notify: str, place: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, notify)
    text = str(caught.value)
    assert words in text, text
    assert f"config.yaml:{place}:" in text, text

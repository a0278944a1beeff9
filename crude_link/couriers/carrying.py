"""Carrying: one letter to one address, secrets put in for just so long, and nobody waited for without end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from crude_link.couriers.letter import Letter, NotDelivered
from crude_link.errors import CrudeLinkError
from crude_link.model.recipient import Address, AppriseUrls, Heartbeat, Mail, ShellCall, Webhook
from crude_link.model.value import Plain, Reference, Text, filled

_STARS = "***"
#: Whatever a far end does: in seconds. Each way has a patience of its own, which is shorter.
_LONGEST = 60.0
_LONGEST_ANSWER = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What carrying takes from elsewhere."""

    #: Returns a secret by name. CannotStart when it is not to be had.
    secret: Callable[[str], str]
    #: Returns every form in which values could be written, longest first.
    masks: Callable[[Iterable[str]], Iterable[str]]
    #: Returns shell text with its references put in as text, never as shell.
    in_shell: Callable[[Text, Callable[[Reference], Plain]], str]
    #: Runs shell text with this environment more and this on stdin. ProgramError.
    run: Callable[[str, Mapping[str, str], bytes], str]
    longest: float = _LONGEST


def carry(letter: Letter, address: Address, means: Means) -> str:
    """Deliver a letter; return what was answered. NotDelivered says why not. Neither text holds a secret."""
    carrying = _Carrying(means)
    try:
        return carrying.masked(_within(means.longest, lambda: carrying.carry(letter, address)))
    except NotDelivered as error:
        raise NotDelivered(carrying.masked(str(error)), is_unreachable=error.is_unreachable) from None
    except CrudeLinkError as error:
        raise NotDelivered(carrying.masked(str(error))) from None
    except Exception as error:  # noqa: BLE001  # libraries raise what they like, and secrets stand in what they say
        raise NotDelivered(carrying.masked(f"{type(error).__name__}: {error}")) from None


@dataclass(slots=True)
class _Carrying:
    """One delivery, and the secrets that it used."""

    means: Means
    used: dict[str, str] = field(default_factory=dict)

    def carry(self, letter: Letter, address: Address) -> str:
        from crude_link.couriers import http, services

        match address:
            case ShellCall():
                return self._run(letter, address)
            case Webhook():
                headers = {name: self._text(value) for name, value in address.headers.items()}
                return http.post(letter, self._text(address.url), headers, filled(address.body, self._look_up, str))
            case Mail():
                return self._mail(letter, address)
            case AppriseUrls():
                return services.notify(letter, [self._text(url) for url in address.urls])
            case Heartbeat():
                return http.call(self._text(address.url))

    def masked(self, text: str) -> str:
        for mask in self.means.masks(self.used.values()):
            text = text.replace(mask, _STARS)
        return text[:_LONGEST_ANSWER]

    def _run(self, letter: Letter, address: ShellCall) -> str:
        text = self.means.in_shell(address.text, self._look_up)
        answer = self.means.run(text, letter.environment, f"{letter.text}\n".encode("utf-8", "replace"))
        lines = answer.strip().splitlines()
        return lines[-1] if lines else "exit 0"

    def _mail(self, letter: Letter, address: Mail) -> str:
        from crude_link.couriers import mail

        post = mail.Post(
            to=[self._text(one) for one in address.to],
            sender=self._text(address.sender),
            host=self._text(address.host),
            port=address.port,
            user=None if address.user is None else self._text(address.user),
            password=None if address.password is None else self._text(address.password),
            tls=address.tls,
        )
        return mail.send(letter, post)

    def _text(self, text: Text) -> str:
        return str(filled(text, self._look_up, str))

    def _look_up(self, reference: Reference) -> Plain:
        name = reference.path.removeprefix("secrets.")
        if name not in self.used:
            self.used[name] = self.means.secret(name)
        return self.used[name]


def _within(seconds: float, work: Callable[[], str]) -> str:
    """Return what `work` returns, or NotDelivered when it takes too long; it goes on then, with nobody listening."""
    answer: list[str] = []
    trouble: list[BaseException] = []

    def working() -> None:
        try:
            answer.append(work())
        except BaseException as error:  # noqa: BLE001  # raised again where somebody waits for it
            trouble.append(error)

    thread = threading.Thread(target=working, daemon=True)
    thread.start()
    thread.join(seconds)
    if trouble:
        raise trouble[0]
    if not answer:
        raise NotDelivered(f"took longer than {seconds:g} s", is_unreachable=True)
    return answer[0]

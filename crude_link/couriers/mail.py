"""Mail: alerts by SMTP, with nothing but the standard library."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from crude_link.couriers.letter import Letter, NotDelivered
from crude_link.model.recipient import Tls

_PATIENCE = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """Where mail goes and by which server, all secrets put in."""

    to: Sequence[str]
    sender: str
    host: str
    port: int
    user: str | None
    password: str | None
    tls: Tls


def send(letter: Letter, post: Post) -> str:
    """Send the alert; return what came of it."""
    try:
        with _connected(post) as server:
            if post.user is not None and post.password is not None:
                server.login(post.user, post.password)
            refused = server.send_message(_message(letter, post), post.sender, list(post.to))
    except smtplib.SMTPRecipientsRefused as error:
        raise NotDelivered(f"refused: {_refusals(error.recipients)}") from error
    except smtplib.SMTPAuthenticationError as error:
        raise NotDelivered(f"the login was refused: {_reply(error)}") from error
    except smtplib.SMTPResponseException as error:
        raise NotDelivered(f"the server answered {error.smtp_code} {_reply(error)}") from error
    except ssl.SSLError as error:
        raise NotDelivered(f"no encrypted connection: {error.reason or error}", is_unreachable=True) from error
    except smtplib.SMTPServerDisconnected as error:
        raise NotDelivered(f"cannot be reached: {error}", is_unreachable=True) from error
    except smtplib.SMTPException as error:
        raise NotDelivered(str(error)) from error
    except OSError as error:
        raise NotDelivered(_unreachable(error), is_unreachable=True) from error
    except ValueError as error:  # an address with a line end in it
        raise NotDelivered(f"cannot be sent: {error}") from error
    # Who was reached must not get it again because another was not.
    return f"taken by {post.host}" + (f"; refused: {_refusals(refused)}" if refused else "")


def _connected(post: Post) -> smtplib.SMTP:
    if post.tls is Tls.SSL:
        return smtplib.SMTP_SSL(post.host, post.port, timeout=_PATIENCE, context=ssl.create_default_context())
    server = smtplib.SMTP(post.host, post.port, timeout=_PATIENCE)
    if post.tls is Tls.STARTTLS:
        try:
            server.starttls(context=ssl.create_default_context())
        except smtplib.SMTPNotSupportedError as error:
            server.close()
            raise NotDelivered("the server offers no STARTTLS; write `tls: ssl` or `tls: none`") from error
        except BaseException:
            server.close()
            raise
    return server


def _message(letter: Letter, post: Post) -> EmailMessage:
    alert = letter.alert
    message = EmailMessage()
    message["Subject"] = f"[crude-link] {alert.title}"
    message["From"] = post.sender
    message["To"] = ", ".join(post.to)
    message["Date"] = format_datetime(alert.at.astimezone())
    message["Message-ID"] = make_msgid(domain=alert.host or None)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers by machines, please
    message["X-Crude-Link-Alert"] = alert.kind.value
    message.set_content(letter.text.encode("utf-8", "replace").decode())
    return message


def _refusals(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{who}: {code} {words.decode('utf-8', 'replace')}" for who, (code, words) in refused.items())


def _reply(error: smtplib.SMTPResponseException) -> str:
    words = error.smtp_error
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)


def _unreachable(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"did not answer within {_PATIENCE:g} s"
    return f"cannot be reached: {error.strerror or error}"

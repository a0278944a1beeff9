"""Webhooks and heartbeats: alerts by HTTP, with nothing but the standard library."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from crude_link import __version__
from crude_link.couriers.letter import Letter, NotDelivered
from crude_link.model.value import Plain

#: For the connection, and for each answer of the far end, in seconds.
_PATIENCE = 15.0
_LONGEST_ANSWER = 200


class _NoRedirect(HTTPRedirectHandler):
    """A POST that is sent elsewhere would arrive there as a GET, without its body and perhaps with its secrets."""

    def redirect_request(self, *_args: object, **_more: object) -> None:
        return None


def post(letter: Letter, url: str, headers: Mapping[str, str], body: Plain) -> str:
    """Post the alert, or JSON of the user's own, as JSON; return what the far end answered."""
    content = letter.json if body is None else letter.put_into(body)
    data = json.dumps(content).encode("ascii")
    request = _request(url, {"Content-Type": "application/json", **headers}, data)
    return _answer(request, _NoRedirect)


def call(url: str) -> str:
    """Call a URL; return what the far end answered."""
    return _answer(_request(url, {}, None), HTTPRedirectHandler)


def _request(url: str, headers: Mapping[str, str], data: bytes | None) -> Request:
    if not url.startswith(("http://", "https://")):
        raise NotDelivered("the URL does not begin with https:// or http://")
    try:
        return Request(url, data=data, headers={"User-Agent": f"crude-link/{__version__}", **headers})
    except ValueError as error:
        raise NotDelivered(f"the URL cannot be used: {error}") from error


def _answer(request: Request, redirects: type[HTTPRedirectHandler]) -> str:
    try:
        with build_opener(redirects).open(request, timeout=_PATIENCE) as response:
            response.read(_LONGEST_ANSWER)
            return f"{response.status} {response.reason}".strip()
    except HTTPError as error:
        raise NotDelivered(f"answered {error.code} {error.reason}{_more(error)}") from error
    except URLError as error:
        raise NotDelivered(_unreachable(error.reason), is_unreachable=True) from error
    except (OSError, http.client.HTTPException) as error:
        raise NotDelivered(_unreachable(error), is_unreachable=True) from error
    except ValueError as error:  # a header with a line end in it, a URL that http.client refuses
        raise NotDelivered(f"cannot be sent: {error}") from error


def _more(error: HTTPError) -> str:
    """Say what the far end added: a new place, or the first line of its answer."""
    if "Location" in error.headers:
        return ", it has moved; write its new URL"
    try:
        text = error.read(_LONGEST_ANSWER).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException):
        return ""
    return f": {text.splitlines()[0]}" if text and not text.startswith("<") else ""


def _unreachable(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return f"did not answer within {_PATIENCE:g} s"
    words = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
    return f"cannot be reached: {words or type(reason).__name__}"

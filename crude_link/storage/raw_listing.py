"""Raw listings: what buckets hold, by names as they are, for obstore lists none that holds `a//b` or `../x`.

They need what obstore does without: for S3 a client of botocore, for Google a token and its XML protocol. They come
into use only when obstore has met such a name, and so do the libraries that they import.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from crude_link.storage.address import Address
from crude_link.storage.failures import Passing, TransferError
from crude_link.storage.options import Option
from crude_link.storage.remote import Entry

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

#: Yields what lies in the folder of an address; names are those of the bucket, from its beginning on.
RawList = Callable[[], Iterator[Entry]]
_SILENCE_SECONDS = 60


def s3_list(address: Address, endpoint: str | None, options: Mapping[str, Option]) -> Iterator[Entry]:
    """Yield what a bucket of S3 holds below an address; `endpoint` is where obstore was told that it is."""
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import Session

    profile = options.get("profile")
    client = Session(profile=str(profile) if profile else None).create_client(
        "s3",
        endpoint_url=endpoint,
        region_name=_text(options, "region"),
        aws_access_key_id=_text(options, "access_key_id"),
        aws_secret_access_key=_text(options, "secret_access_key"),
        aws_session_token=_text(options, "session_token") or _text(options, "token"),
        config=Config(signature_version=UNSIGNED) if options.get("anonymous") else None,
    )
    pages = client.get_paginator("list_objects_v2")
    try:
        for page in pages.paginate(Bucket=address.bucket, Prefix=_folder(address)):
            for said in page.get("Contents", ()):
                etag = str(said.get("ETag", "")).strip('"') or None
                yield Entry(name=said["Key"], size=int(said["Size"]), etag=etag, modified=said["LastModified"])
    except ClientError as error:
        raise TransferError(f"{address}: {error}") from error
    except BotoCoreError as error:
        raise Passing(f"{address}: {error}") from error


def google_list(address: Address, base: str, token: Callable[[], str | None]) -> Iterator[Entry]:
    """Yield what a bucket of Google's store holds below an address; a token is asked for with each page."""
    from urllib.parse import quote, unquote_plus, urlencode

    asked = {"list-type": "2", "prefix": _folder(address), "encoding-type": "url", "max-keys": "1000"}
    for _ in count():
        page = _answer(address, f"{base.rstrip('/')}/{quote(address.bucket)}?{urlencode(asked)}", token())
        decode = unquote_plus if page.get("EncodingType") == "url" else str
        for each in page["Contents"]:
            modified = datetime.fromisoformat(each["LastModified"].replace("Z", "+00:00"))
            etag = each.get("ETag", "").strip('"') or None
            yield Entry(name=decode(each["Key"]), size=int(each["Size"]), etag=etag, modified=modified)
        if page.get("IsTruncated") != "true" or not page.get("NextContinuationToken"):
            return
        asked["continuation-token"] = page["NextContinuationToken"]


def google_token(options: Mapping[str, Option], provide: Callable[[], Any] | None) -> str | None:
    """Return a token as obstore would use it; None for nobody in particular. `provide` is what obstore would ask."""
    if options.get("anonymous"):
        return None
    if options.get("bearer_token"):
        return str(options["bearer_token"])
    if provide is not None:
        return str(provide()["token"])
    from google.auth.transport.requests import Request as Asking
    from google.oauth2.service_account import Credentials

    scopes = ["https://www.googleapis.com/auth/devstorage.read_only"]
    if options.get("service_account_key"):
        known = json.loads(str(options["service_account_key"]))
        found = Credentials.from_service_account_info(known, scopes=scopes)  # type: ignore[no-untyped-call]  # untyped
    else:
        path = str(options["service_account"])
        found = Credentials.from_service_account_file(path, scopes=scopes)  # type: ignore[no-untyped-call]  # untyped
    found.refresh(Asking())
    return str(found.token)


def _answer(address: Address, url: str, token: str | None) -> dict[str, Any]:
    """Return a page of a listing: what stands in its XML, by names, with all objects under `Contents`."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen
    from xml.etree.ElementTree import ParseError, fromstring

    request = Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # a store's
    try:
        with urlopen(request, timeout=_SILENCE_SECONDS) as answer:  # a store's
            document = fromstring(answer.read())  # what a store says that is trusted with files
    except HTTPError as error:
        kind = Passing if error.code in (408, 429) or error.code >= 500 else TransferError
        raise kind(f"{address}: the list of the bucket: {error.code} {error.reason}") from error
    except (OSError, ParseError) as error:
        raise Passing(f"{address}: the list of the bucket: {error}") from error
    page: dict[str, Any] = {"Contents": []}
    for child in document:
        name = _tag(child)
        if name == "Contents":
            page[name].append({_tag(each): each.text or "" for each in child})
        else:
            page[name] = child.text or ""
    return page


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _folder(address: Address) -> str:
    return f"{address.prefix}/" if address.prefix else ""


def _text(options: Mapping[str, Option], name: str) -> str | None:
    value = options.get(name)
    return None if value is None else str(value)

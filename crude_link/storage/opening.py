"""Opening: from an address to its store. Libraries are imported here, when one of their schemes is met."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from crude_link.storage.address import WEB, Address
from crude_link.storage.failures import BadAddress, MissingExtra
from crude_link.storage.options import Option
from crude_link.storage.raw_listing import RawList, google_list, google_token, s3_list
from crude_link.storage.remote import RemoteStore

if TYPE_CHECKING:
    from obstore.store import ObjectStore

#: A store of obstore's, and what lists it by names as they are, where something can.
Opened: TypeAlias = "tuple[ObjectStore, RawList | None]"

#: The libraries of a scheme, and the extra that brings them.
_NEEDS = {
    "s3": (("obstore", "botocore"), "s3"),
    "gs": (("obstore", "google.auth", "requests"), "gcs"),
    "az": (("obstore", "azure.identity"), "azure"),
    "http": (("obstore",), "s3"),
    "https": (("obstore",), "s3"),
    "sftp": (("fsspec", "sshfs"), "sftp"),
}
_GOOGLE = "https://storage.googleapis.com"
#: Options of ours; all others go to the library as they are.
OURS = ("endpoint", "anonymous", "profile", "verify")


def open_store(address: Address, options: Mapping[str, Option]) -> RemoteStore:
    """Return the store of an address. MissingExtra, NoCredentials; the store itself is not spoken to yet."""
    if address.scheme == "file":
        from crude_link.storage.folder_store import FolderStore

        return FolderStore(address)
    _require(address)
    if address.scheme in ("s3", "gs", "az", *WEB):
        from crude_link.storage.obstore_store import ObstoreStore

        store, raw_list = _obstore(address, options)
        return ObstoreStore(store, address, raw_list)
    from crude_link.storage.fsspec_store import FsspecStore, open_file_system

    given = {name: value for name, value in options.items() if name not in OURS}
    return FsspecStore(*open_file_system(address, given), address)


def import_libraries(schemes: Iterable[str]) -> None:
    """Import what folders, and stores of some schemes, need, as far as it is installed."""
    import_module("crude_link.storage.folder_store")
    for scheme in schemes:
        modules, _ = _NEEDS.get(scheme, (("fsspec",), ""))
        ours = "fsspec_store" if "fsspec" in modules else "obstore_store"
        for module in (*modules, f"crude_link.storage.{ours}"):
            with suppress(ModuleNotFoundError):  # told as a store of this scheme is opened
                import_module(module)


def _require(address: Address) -> None:
    modules, extra = _NEEDS.get(address.scheme, (("fsspec",), "sftp"))
    for module in modules:
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"{address} needs the library {module.partition('.')[0]}, which is not installed: "
                f"pip install 'crude-link[{extra}]'"
            ) from error


def _obstore(address: Address, options: Mapping[str, Option]) -> Opened:
    from obstore.exceptions import BaseError

    given = {name: value for name, value in options.items() if name not in OURS and value is not None}
    makers = {"s3": _s3, "gs": _gs, "az": _az}
    maker = makers.get(address.scheme, _web)
    try:
        return maker(address, options, given)
    except (BaseError, ValueError, TypeError) as error:
        said = str(error).split("\n")[0]
        raise BadAddress(f"{address} cannot be opened with the options of `storage`: {said}") from error


def _s3(address: Address, options: Mapping[str, Option], given: Any) -> Opened:
    from obstore.store import S3Store

    from crude_link.storage.credentials import of_aws

    endpoint = options.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    provider = None
    if options.get("anonymous"):
        given["skip_signature"] = True
    elif "access_key_id" not in given:
        profile = options.get("profile")
        found = of_aws(str(profile) if profile else None, str(address))
        provider, endpoint = found.provider, endpoint or found.endpoint
        if found.region:
            given.setdefault("region", found.region)
    given.setdefault("region", "us-east-1")
    if endpoint:
        given["endpoint"] = str(endpoint)
    store = S3Store(
        address.bucket, config=given, client_options=_client(endpoint), retry_config=_retry(),
        credential_provider=provider,
    )  # fmt: skip
    known = {**options, "region": given["region"]}
    return store, lambda: s3_list(address, str(endpoint) if endpoint else None, known)


def _gs(address: Address, options: Mapping[str, Option], given: Any) -> Opened:
    from obstore.store import GCSStore

    from crude_link.storage.credentials import of_google

    emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
    if emulator and "://" not in emulator:
        emulator = f"http://{emulator}"
    endpoint = options.get("endpoint") or emulator
    provider = None
    if options.get("anonymous"):
        given["skip_signature"] = True
    elif emulator:
        # It takes any; without one, obstore asks this machine's metadata server.
        given.setdefault("bearer_token", "emulator")
    elif not given.keys() & {"service_account", "service_account_key", "bearer_token"}:
        provider = of_google(str(address))
    if endpoint:
        given["base_url"] = str(endpoint)
    store = GCSStore(
        address.bucket, config=given, client_options=_client(endpoint), retry_config=_retry(),
        credential_provider=provider,
    )  # fmt: skip
    known = {**options, **given}
    return store, lambda: google_list(address, str(endpoint or _GOOGLE), partial(google_token, known, provider))


def _az(address: Address, options: Mapping[str, Option], given: Any) -> Opened:
    from obstore.store import AzureStore

    from crude_link.storage.credentials import azure_environment, of_azure

    given = {**azure_environment(), **given}
    if options.get("endpoint"):
        given["endpoint"] = str(options["endpoint"])
    if "account_name" not in given:
        raise BadAddress(
            f"{address}: the storage account is not named; set AZURE_STORAGE_ACCOUNT, or "
            "`account_name` under `storage`"
        )
    provider = None
    if options.get("anonymous"):
        given["skip_signature"] = True
    elif not given.keys() & {"account_key", "sas_key", "client_secret", "token"}:
        provider = of_azure(str(address))
    store = AzureStore(
        address.bucket, config=given, client_options=_client(given.get("endpoint")), retry_config=_retry(),
        credential_provider=provider,
    )  # fmt: skip
    return store, None


def _web(address: Address, options: Mapping[str, Option], given: Any) -> Opened:  # noqa: ARG001
    from obstore.store import HTTPStore

    client: Any = {**_client(address.root), **given}
    return HTTPStore(address.root, client_options=client, retry_config=_retry()), None


def _client(endpoint: object) -> Any:
    # A request may take as long as it moves: a slow line is no error, a silent one is.
    options: dict[str, object] = {
        "timeout": timedelta(days=1),
        "connect_timeout": timedelta(seconds=10),
        "read_timeout": timedelta(seconds=60),
    }
    return options | ({"allow_http": True} if str(endpoint).startswith("http://") else {})


def _retry() -> Any:
    return {
        "max_retries": 3,
        "retry_timeout": timedelta(minutes=2),
        "backoff": {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=5), "base": 2},
    }

"""Credentials: found where each cloud's own tools look for them, by the libraries of these clouds.

Imported only with the extra of that cloud; each function returns a provider that obstore asks again when what it gave
has expired, or raises NoCredentials, which names the places where something was looked for.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from crude_link.storage.failures import NoCredentials

#: What obstore calls for new credentials.
Provider = Callable[[], Any]
_GOOGLE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_AZURE_SCOPE = "https://storage.azure.com/.default"
#: How long credentials are used before they are asked for again; those that expire are renewed by their library.
_LIFE = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsFound:
    """What the tools of AWS would use: credentials, and the settings beside them."""

    provider: Provider
    region: str | None
    endpoint: str | None


def of_aws(profile: str | None, shown: str) -> AwsFound:
    """Look as `aws` does: environment, ~/.aws (profiles, SSO, roles, processes), container, instance."""
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    session = Session(profile=profile)
    try:
        found = session.get_credentials()
        region = session.get_config_variable("region")
        endpoint = session.get_scoped_config().get("endpoint_url")
    except BotoCoreError as error:
        raise NoCredentials(f"no credentials for {shown}: {error}") from error
    if found is None:
        raise NoCredentials(
            f"no credentials for {shown}: looked for AWS_ACCESS_KEY_ID in the environment, a profile in "
            "~/.aws/credentials and ~/.aws/config, and a role of this container or instance. Log in as for `aws`, or "
            "write `anonymous: true` under `storage` for a public bucket."
        )

    def provide() -> dict[str, object]:
        frozen = found.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(timezone.utc) + _LIFE,
        }

    return AwsFound(provider=provide, region=region, endpoint=endpoint)


def of_google(shown: str) -> Provider:
    """Look as `gcloud` and Google's libraries do: application default credentials, then the machine's account."""
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    try:
        found, _ = google.auth.default(scopes=[_GOOGLE_SCOPE])
    except GoogleAuthError as error:
        raise NoCredentials(
            f"no credentials for {shown}: looked for the file that GOOGLE_APPLICATION_CREDENTIALS names, for the "
            "application default credentials of gcloud, and for a service account of this machine. Log in by `gcloud "
            "auth application-default login`, or write `anonymous: true` under `storage` for a public bucket. "
            f"({_first_sentence(error)})"
        ) from error

    def provide() -> dict[str, object]:
        found.refresh(Request())  # type: ignore[no-untyped-call]  # the library says nothing of it
        expiry = found.expiry.replace(tzinfo=timezone.utc) if found.expiry else None
        return {"token": found.token, "expires_at": expiry}

    return provide


def of_azure(shown: str) -> Provider:
    """Look as Azure's libraries do: environment, workload identity, the machine's identity, `az login`."""
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import CredentialUnavailableError, DefaultAzureCredential

    # It would tell of each place at length; ours is one paragraph.
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    found = DefaultAzureCredential(exclude_interactive_browser_credential=True)

    def provide() -> dict[str, object]:
        token = found.get_token(_AZURE_SCOPE)
        return {"token": token.token, "expires_at": datetime.fromtimestamp(token.expires_on, timezone.utc)}

    try:
        provide()
    except (ClientAuthenticationError, CredentialUnavailableError) as error:
        raise NoCredentials(
            f"no credentials for {shown}: looked for AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN and "
            "AZURE_STORAGE_CONNECTION_STRING in the environment, for an identity of this machine, and for `az login`."
            " Write `anonymous: true` under `storage` for a public container."
        ) from error
    return provide


def azure_environment() -> dict[str, str]:
    """Return what Azure's tools read from the environment, by obstore's names."""
    names = {
        "AZURE_STORAGE_ACCOUNT": "account_name",
        "AZURE_STORAGE_ACCOUNT_NAME": "account_name",
        "AZURE_STORAGE_KEY": "account_key",
        "AZURE_STORAGE_ACCOUNT_KEY": "account_key",
        "AZURE_STORAGE_SAS_TOKEN": "sas_key",
    }
    found = {option: os.environ[name] for name, option in names.items() if os.environ.get(name)}
    return connection_options(os.environ.get("AZURE_STORAGE_CONNECTION_STRING", "")) | found


def connection_options(text: str) -> dict[str, str]:
    """Read a connection string of Azure."""
    parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    names = {
        "AccountName": "account_name",
        "AccountKey": "account_key",
        "SharedAccessSignature": "sas_key",
        "BlobEndpoint": "endpoint",
    }
    return {option: parts[name] for name, option in names.items() if name in parts}


def _first_sentence(error: Exception) -> str:
    return str(error).split(". ")[0].strip()

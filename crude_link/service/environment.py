"""Which variables of a shell a service is given: what steps live on, and nothing that is secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: What programs are found by, and behave by; each is the person's own choice in the shell's start files.
_KEPT = re.compile(
    r"PATH|VIRTUAL_ENV|CONDA_(?:PREFIX|DEFAULT_ENV|EXE|PYTHON_EXE|SHLVL)|CONDA_PREFIX_\d+|MAMBA_(?:EXE|ROOT_PREFIX)|"
    r"CRUDE_LINK_HOME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|"
    r"PYTHONPATH|PYTHONUTF8|PYTHONHASHSEED|PYTHONWARNINGS|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|"
    r"CUDA_(?:HOME|PATH|VISIBLE_DEVICES|DEVICE_ORDER)|NVIDIA_VISIBLE_DEVICES|ROCR_VISIBLE_DEVICES|"
    r"(?:OMP|MKL|OPENBLAS|NUMEXPR)_NUM_THREADS|HF_HOME|HF_DATASETS_CACHE|TORCH_HOME|XDG_(?:CACHE|DATA|CONFIG)_HOME|"
    r"SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|AWS_(?:PROFILE|REGION|DEFAULT_REGION)|"
    r"(?:https?|ftp|all|no)_proxy|(?:HTTPS?|FTP|ALL|NO)_PROXY|JAVA_HOME|NODE_PATH|R_HOME|R_LIBS(?:_USER)?|JULIA_DEPOT_PATH"
)
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS(?:WORD|WD|PHRASE)?(?:_|$)|CREDENTIAL|AUTH(?:_|$)|COOKIE", re.I)
#: An address with a name or a password in it.
_WITH_PASSWORD = re.compile(r"://[^/\s@]*@")
#: What systemd takes in no value of a variable, and what XML cannot hold.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The variables that a service is given, and those that it needs and is not, each with why."""

    variables: Mapping[str, str]
    withheld: Mapping[str, str]
    #: Those of the withheld without which the config or its steps do not do.
    needed: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Confidential:
    """What must not be written into a service's file."""

    #: The variables in which declared secrets are found.
    names: frozenset[str]
    #: The values of secrets, as far as they are known.
    values: tuple[str, ...]

    def why(self, name: str, value: str) -> str | None:
        """Say why a variable is not to be written; None when it may be."""
        if name in self.names:
            return "is declared under `secrets`"
        if any(secret in value for secret in self.values):
            return "holds the value of a secret"
        if _SECRET_NAME.search(name):
            return "has a name as secrets have"
        return "holds a password" if _WITH_PASSWORD.search(value) else None


def chosen_environment(shell: Mapping[str, str], named: Iterable[str], confidential: Confidential) -> Chosen:
    """Return what a service is given of a shell's variables; `named` are those that the configs read."""
    needed = confidential.names.union(named)
    variables, withheld = {}, {}
    for name in sorted({name for name in shell if _KEPT.fullmatch(name)} | needed):
        value = shell.get(name)
        if value is None:
            if name in confidential.names:
                withheld[name] = "is declared under `secrets`"
            continue
        why = confidential.why(name, value)
        if why is None and _UNSPEAKABLE.search(value):
            why = "holds characters that cannot be written there"
        if why is None:
            variables[name] = value
        else:
            withheld[name] = why
    return Chosen(variables=variables, withheld=withheld, needed=needed & withheld.keys())

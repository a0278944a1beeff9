"""The entries of a YAML list, composed one after the other; safely: no tag makes an object of Python's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Protocol

import yaml
from yaml.composer import Composer
from yaml.resolver import Resolver

from crude_link.model.value import Plain

_TAG = "tag:yaml.org,2002:"
#: As OmegaConf reads numbers in a config: `1e-4` is one.
_FLOAT = re.compile(
    r"""^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?(?:[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)
    |\.[0-9_]+(?:[eE][-+][0-9]+)?
    |[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))$""",
    re.X,
)


class Readable(Protocol):
    """What gives bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most so many bytes; none at the end."""


def entries_of_yaml(file: Readable) -> Iterator[Plain]:
    """Yield the entries. ValueError says what is wrong with the list, and where."""
    loader = _Loader(file)
    try:
        yield from _entries(loader)
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    finally:
        loader.dispose()


def _entries(loader: Any) -> Iterator[Plain]:
    loader.get_event()  # the stream begins
    if loader.check_event(yaml.StreamEndEvent):
        return
    loader.get_event()  # the document begins
    if not loader.check_event(yaml.SequenceStartEvent):
        if loader.check_event(yaml.ScalarEvent) and not loader.peek_event().value:
            return
        raise ValueError("it is no list; each task is an entry of a list: `- task_id: ...`")
    loader.get_event()
    number = 0
    while not loader.check_event(yaml.SequenceEndEvent):
        node = loader.compose_node(None, None)
        yield _plain(loader.construct_document(node))
        number += 1
        loader.anchors = {}  # an alias reaches no further than its entry, so that none need be remembered
    loader.get_event()
    loader.get_event()  # the document ends
    if not loader.check_event(yaml.StreamEndEvent):
        raise ValueError("a second document begins behind the list; the file is one list")


def _plain(value: Any) -> Plain:
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(child) for child in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


# libyaml's loader where PyYAML was built with it: it gives events in C, but composes only whole documents.
_FASTEST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_FASTEST, Composer):  # type: ignore[misc]  # it is the one or the other
    """A safe loader that composes one node at a time."""

    def __init__(self, file: Readable) -> None:
        super().__init__(file)  # type: ignore[call-arg]  # mypy sees Composer only
        self.anchors: dict[str, yaml.Node] = {}


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag not in (_TAG + "timestamp", _TAG + "float")]
    for first, known in Resolver.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_TAG + "float", _FLOAT, list("-+0123456789."))

"""Several notifiers as one."""

from __future__ import annotations

from crude_link.interfaces import Notifier
from crude_link.model.event import Event


class SeveralNotifiers:
    """Tells each of them in their order."""

    def __init__(self, *notifiers: Notifier) -> None:
        self._notifiers = list(notifiers)

    def add(self, notifier: Notifier) -> None:
        """From now on tell this one too, last."""
        self._notifiers.append(notifier)

    def tell(self, event: Event) -> None:
        """Tell `event` to each."""
        for notifier in self._notifiers:
            notifier.tell(event)

    def close(self) -> None:
        """Close each, the last first: those before it may still hear what it has to say."""
        for notifier in reversed(self._notifiers):
            notifier.close()

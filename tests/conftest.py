"""What all tests share."""

from __future__ import annotations

import signal

from hypothesis import settings

# No test is about time: a busy machine may take long over an example.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")

# A shell starts what runs in its background with interrupts ignored, and programs that tests start would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# No test is about time: a busy machine may take long over an example.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")

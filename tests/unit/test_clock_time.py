"""The machine's time."""

from __future__ import annotations

from datetime import timedelta, timezone

from crude_link.clock import SystemClock


def test_now_is_aware_and_in_utc() -> None:
    assert SystemClock().now().tzinfo is timezone.utc


def test_monotonic_time_never_steps_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)


def test_sleeping_until_a_moment_that_has_passed_returns() -> None:
    clock = SystemClock()
    clock.sleep_until(clock.now() - timedelta(days=1))

"""Outcome: what an agent's facts of an end mean, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any

from crude_link.model.run import Ending, Outcome
from crude_link.model.words import duration_words, signal_words

LOST = "lost: the agent that watched it died"

#: What programs say when they wanted to ask somebody something.
_ASKED = (
    "EOFError",
    "EOF when reading a line",
    "Inappropriate ioctl for device",
    "/dev/tty: No such device",
    "'/dev/tty'",
    "a terminal is required",
)
_NO_KEYBOARD = "steps have no keyboard (`stdin: terminal` gives them one)"


#: What shells, `env` and their like exit with when the program that they were to start was not to be had.
_SHELL_WORDS = {126: "found, but cannot be executed", 127: "command not found"}
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "fish", "env")
_MOST_NAMES = 5


def outcome_of(
    facts: Mapping[str, Any], ended: datetime, timeout: timedelta | None, argv: Sequence[str] = ()
) -> Outcome:
    """Return the Outcome for an agent's `ended` message about what was started as `argv`."""
    ending, reason = ending_of(facts, timeout, argv)
    return Outcome(
        ending=ending,
        ended=ended,
        reason=reason,
        exit_status=facts["exit"],
        signal=facts["signal"],
        wall=timedelta(seconds=facts["wall"]),
        cpu=timedelta(seconds=facts["cpu"]),
        peak_memory=facts["peak"],
        peak_is_bound=facts["peak_is_bound"],
        stdout_bytes=facts["stdout_bytes"],
        stderr_bytes=facts["stderr_bytes"],
        survivors=tuple(facts["survivors"]),
        slot_time=timedelta(seconds=facts["slots"]) if "slots" in facts else None,
        idle=timedelta(seconds=facts["idle"]) if "idle" in facts else None,
    )


def ending_of(facts: Mapping[str, Any], timeout: timedelta | None, argv: Sequence[str]) -> tuple[Ending, str]:
    """Return in which way it ended, and why it did not succeed; empty when it did."""
    ending = _ending(facts)
    reason = _reason(facts, ending, timeout, argv)
    return ending, reason + _aftermath(facts) if reason else ""


def left_behind(facts: Mapping[str, Any]) -> str:
    """Say what had to be ended after the process had ended by itself; empty when nothing had to be."""
    names: Sequence[str] = [name or "?" for name in facts["left"]]
    if not names:
        return ""
    words = [f"{count} x {name}" if count > 1 else name for name, count in sorted(Counter(names).items())]
    more = [f"{len(words) - _MOST_NAMES} more"] if len(words) > _MOST_NAMES else []
    what = ", ".join([*words[:_MOST_NAMES], *more])
    if len(names) == 1:
        return f"left 1 process behind ({what}); it was ended"
    return f"left {len(names)} processes behind ({what}); they were ended"


def lost(ended: datetime) -> Outcome:
    """Return the Outcome of an attempt whose agent died under it."""
    return Outcome(ending=Ending.LOST, ended=ended, reason=LOST)


def _ending(facts: Mapping[str, Any]) -> Ending:
    why = Ending(facts["why"])
    return Ending.SIGNALLED if why is Ending.EXITED and facts["signal"] is not None else why


def _reason(facts: Mapping[str, Any], ending: Ending, timeout: timedelta | None, argv: Sequence[str]) -> str:
    if ending is Ending.NOT_STARTED:
        return str(facts["reason"])
    if ending is Ending.STOPPED:
        return "stopped" + (" (killed: it had not ended when asked to)" if facts["killed"] else "")
    if ending is Ending.TIMED_OUT:
        words = facts["reason"] or (duration_words(timeout) if timeout else "")
        return f"timed out after {words}" if words else "timed out"
    if ending is Ending.SIGNALLED:
        return _signal_reason(facts)
    return _exit_reason(facts, argv) if facts["exit"] else ""


def _signal_reason(facts: Mapping[str, Any]) -> str:
    if facts["signal"] != 9:
        return signal_words(facts["signal"])
    if facts["out_of_memory"]:
        return "killed by the kernel: out of memory"
    return "killed by signal 9, not by crude-link; often out of memory"


def _exit_reason(facts: Mapping[str, Any], argv: Sequence[str]) -> str:
    words = f"exit {facts['exit']}"
    if facts["exit"] == 128 + 9 and facts["out_of_memory"]:
        return f"{words}; one of its processes was killed by the kernel: out of memory"
    if any(text in facts["tail"] for text in _ASKED):
        return f"{words}; it asked for input, and {_NO_KEYBOARD}"
    if facts["exit"] in _SHELL_WORDS and argv and PurePath(argv[0]).name in _SHELLS:
        return f"{words}: {_SHELL_WORDS[facts['exit']]}"
    return words


def _aftermath(facts: Mapping[str, Any]) -> str:
    words = ""
    survivors: Sequence[int] = facts["survivors"]
    if survivors:
        words += f"; could not be ended: {', '.join(f'process {pid}' for pid in survivors)}"
    if facts["trouble"]:
        words += f"; its log is not complete: {facts['trouble']}"
    return words

"""Needs: which step comes after which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crude_link.model.value import Plain


def needs_of(steps: Sequence[Mapping[str, Plain]]) -> dict[str, tuple[str, ...]]:
    """Return what each step needs: what it says, else the step before it."""
    needs: dict[str, tuple[str, ...]] = {}
    before: tuple[str, ...] = ()
    for step in steps:
        said = step.get("needs")
        words = (said,) if isinstance(said, str) else said
        name = str(step.get("name"))
        needs[name] = tuple(str(word) for word in words) if isinstance(words, (list, tuple)) else before
        before = (name,)
    return needs


def earlier_than(name: str, needs: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return all steps that must have ended before `name` can start."""
    earlier: set[str] = set()
    waiting = list(needs.get(name, ()))
    while waiting:
        step = waiting.pop()
        if step not in earlier:
            earlier.add(step)
            waiting += needs.get(step, ())
    return earlier


def circle_in(needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the steps of a circle, the first repeated at the end; nothing when there is none."""
    left = {name: {step for step in steps if step in needs} for name, steps in needs.items()}
    while free := [name for name, steps in left.items() if not steps & left.keys()]:
        for name in free:
            del left[name]
    if not left:
        return ()
    walk = [next(iter(left))]
    while walk[-1] not in walk[:-1]:
        walk.append(next(step for step in needs[walk[-1]] if step in left))
    return tuple(walk[walk.index(walk[-1]) :])

"""The params that entries of `schedule` set: each must be one of the pipeline's, and fit it as `--set` would."""

from __future__ import annotations

from collections.abc import Mapping

from crude_link.config.checks import Subject, wrong_value
from crude_link.config.problems import did_you_mean, one_of
from crude_link.config.scalars import text_of
from crude_link.config.schedule_form import entries_of, in_full
from crude_link.config.settings import BadSetting, fitting
from crude_link.model.value import Plain


def check_entry_params(subject: Subject) -> None:
    """Check the params of all entries."""
    declared = subject.mapping("params")
    for below, entry in entries_of(subject.document.get("schedule")):
        params = in_full(entry).get("params")
        for name, value in params.items() if isinstance(params, Mapping) else ():
            wrong = _wrong(name, value, declared)
            if wrong:
                subject.problems.add(wrong, subject.at("schedule", *below, "params", name))


def _wrong(name: str, value: Plain, declared: Mapping[str, Plain]) -> str | None:
    if name not in declared:
        return f"there is no param '{name}'{did_you_mean(name, declared)}; params: {one_of(declared)}"
    if value is None or isinstance(value, (list, tuple, Mapping)):
        return None  # the form tells
    said = declared[name]
    param = said if isinstance(said, Mapping) else {"default": said}
    choices = param.get("choices")
    try:
        fitted = fitting(text_of(value), param.get("default"), choices if isinstance(choices, (list, tuple)) else ())
    except BadSetting as error:
        return f"param '{name}': {error}"
    return wrong_value(name, fitted, param)

"""What a schema cannot know of `notify`: of what its texts may speak."""

from __future__ import annotations

from crude_link.config.checks import Subject, references_below
from crude_link.config.problems import did_you_mean


def check_notify(subject: Subject) -> None:
    """Check what recipients speak of: only secrets, and those that are declared."""
    for path, reference in references_below(subject.document.get("notify"), ("notify",)):
        name = reference.path.removeprefix("secrets.")
        wrong = None
        if reference.head != "secrets":
            wrong = "`notify` is not of one run and knows only secrets; an alert brings its facts with it"
        elif name not in subject.secrets:
            wrong = f"there is no secret '{name}'{did_you_mean(name, subject.secrets)}; name it under `secrets:`"
        if wrong:
            subject.problems.add(f"`{reference}`: {wrong}", subject.at(*path))

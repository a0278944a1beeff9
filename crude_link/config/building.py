"""Building: from a document, plain data with every step complete, to the Pipeline it describes."""

from __future__ import annotations

from collections.abc import Mapping

from crude_link.config.cron import schedule_of
from crude_link.config.needs import needs_of
from crude_link.config.node import Node
from crude_link.config.references import read_back, values_read_back
from crude_link.config.schema import PipelineModel, RetriesModel, StepModel, source_of
from crude_link.model.condition import parse_condition
from crude_link.model.pipeline import ArgumentStyle, Command, Pipeline, Script, Secret, Stdin, Step
from crude_link.model.policy import FailureKind, Retention, RetryPolicy
from crude_link.model.value import Plain, Scalar, Text, Value

_SHELLS = {"sh": ("sh", "-e", "-c"), "bash": ("bash", "-eo", "pipefail", "-c")}


def pipeline_of(model: PipelineModel, document: Mapping[str, Plain], tree: Node) -> Pipeline:
    """Return the Pipeline of a checked document; `tree` tells where its steps stand in a file."""
    needs = needs_of([{"name": step.name, "needs": step.needs} for step in model.steps])
    places = tree.entries["steps"].items if "steps" in tree.entries else ()
    steps = tuple(
        _step(step, needs[str(step.name)], places[index].at if index < len(places) else None)
        for index, step in enumerate(model.steps)
    )
    retention = model.retention
    return Pipeline(
        name=str(model.name),
        steps=steps,
        params={name: _scalar(param.default) for name, param in model.params.items()},
        secrets=tuple(Secret(name=name, **source_of(source)) for name, source in model.secrets.items()),
        timeout=model.timeout,
        schedule=schedule_of(model.cron, model.timezone),
        retention=Retention(
            runs=retention.runs,
            days=retention.days,
            size_bytes=retention.size,
            failed_days=retention.failed_days,
        )
        if retention
        else None,
        document=document,
    )


def _step(model: StepModel, needs: tuple[str, ...], position: tuple[int, int] | None) -> Step:
    return Step(
        name=str(model.name),
        action=_action(model),
        arguments=_values(model.arguments),
        argument_style=ArgumentStyle(model.argument_style),
        env=_values(model.env),
        env_file=_text(model.env_file),
        cwd=_text(model.cwd),
        stdin=Stdin(model.stdin),
        stop_grace=model.stop_grace,
        needs=needs,
        when=parse_condition(model.when) if model.when is not None else None,
        timeout=model.timeout,
        retries=_retries(model.retries) if model.retries else RetryPolicy(),
        continue_on_failure=model.continue_on_failure,
        inputs=tuple(read_back(path) for path in model.inputs),
        outputs=tuple(read_back(path) for path in model.outputs),
        metrics=_text(model.metrics),
        position=position,
    )


def _action(model: StepModel) -> Script | Command:
    if model.script is not None:
        return Script(path=read_back(model.script), python=_text(model.python))
    if isinstance(model.command, list):
        return Command(argv=tuple(values_read_back(word) for word in model.command))
    shell = _SHELLS[model.shell] if isinstance(model.shell, str) else tuple(model.shell)
    return Command(text=read_back(model.command), shell=shell)


def _retries(model: RetriesModel) -> RetryPolicy:
    return RetryPolicy(
        max=model.max,
        delay=model.delay,
        backoff=model.backoff,
        jitter=model.jitter,
        longest_delay=model.longest_delay,
        only=tuple(FailureKind(word) if isinstance(word, str) else word for word in model.only),
    )


def _values(mapping: Mapping[str, Plain]) -> Mapping[str, Value]:
    return {key: values_read_back(value) for key, value in mapping.items()}


def _text(text: str | None) -> Text | None:
    return None if text is None else read_back(text)


def _scalar(value: Scalar) -> Scalar:
    # Late references were refused in params: what is left of `${run.id}` there is text, escaped.
    return str(read_back(value)) if isinstance(value, str) else value

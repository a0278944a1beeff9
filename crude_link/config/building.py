"""Building: from a document, plain data with every step complete, to the Pipeline it describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from crude_link.config.function_form import function_parts
from crude_link.config.item_text import Braces, with_placeholders
from crude_link.config.needs import needs_of
from crude_link.config.node import Node
from crude_link.config.references import read_back, values_read_back
from crude_link.config.transfer_steps import with_transfers
from crude_link.model.condition import parse_condition
from crude_link.model.pipeline import ArgumentStyle, Command, Pipeline, Script, Secret, Stdin, Step
from crude_link.model.resources import FOUND, GPU, Pool
from crude_link.model.value import Plain, Scalar, Text, Value

if TYPE_CHECKING:
    from crude_link.model.recipient import Recipient
    from crude_link.model.schedule import Schedule

#: Values by key, as the schema read them.
_Said = Mapping[str, Any]


def pipeline_of(said: _Said, document: Mapping[str, Plain], tree: Node) -> Pipeline:
    """Return the Pipeline of a checked document; `tree` tells where its steps stand in a file."""
    needs = needs_of(said["steps"])
    places = tree.entries["steps"].items if "steps" in tree.entries else ()
    steps = [
        step_of(step, needs[step["name"]], places[index] if index < len(places) else Node({}))
        for index, step in enumerate(said["steps"])
    ]
    return Pipeline(
        name=said["name"],
        steps=with_transfers(steps, said, tree),
        params={name: _scalar(param["default"]) for name, param in said["params"].items()},
        secrets=secrets_of(said["secrets"]),
        pools=tuple(_pools(said)),
        timeout=said["timeout"],
        schedules=tuple(_schedules(said)),
        retention=said["retention"],
        notify=_recipients(said),
        document=document,
    )


def _recipients(said: _Said) -> tuple[Recipient, ...]:
    if not said["notify"]:
        return ()
    from crude_link.config.notify_parts import recipients_of

    return recipients_of(said["notify"])


def _schedules(said: _Said) -> Iterator[Schedule]:
    if said["cron"] is None and not said["schedule"]:
        return
    from crude_link.config.cron import schedule_of

    simple = schedule_of(said["cron"], said["timezone"])
    if simple:
        yield simple
    for schedule in said["schedule"]:
        yield replace(schedule, timezone=schedule.timezone or said["timezone"])


def step_of(said: _Said, needs: tuple[str, ...], written: Node) -> Step:
    """Return the Step of its keys' values; `written` is where they stand."""
    step = Step(
        name=said["name"],
        action=_action(said),
        arguments=_values(said["arguments"]),
        argument_style=ArgumentStyle(said["argument_style"]),
        env=_values(said["env"]),
        env_file=_text(said["env_file"]),
        cwd=_text(said["cwd"]),
        stdin=Stdin(said["stdin"]),
        stop_grace=said["stop_grace"],
        needs=needs,
        when=parse_condition(said["when"]) if said["when"] is not None else None,
        timeout=said["timeout"] if isinstance(said["timeout"], timedelta) else None,
        timeout_medians=said["timeout"] if isinstance(said["timeout"], float) else None,
        retries=said["retries"],
        continue_on_failure=said["continue_on_failure"],
        inputs=tuple(read_back(path) for path in said["inputs"]),
        outputs=tuple(read_back(path) for path in said["outputs"]),
        metrics=_text(said["metrics"]),
        position=written.at,
        places=dict(_places(written, "")),
    )
    return _fanned_out(step, said) if said["foreach"] else step


def _fanned_out(step: Step, said: _Said) -> Step:
    """Return a step that runs once for each input, with the placeholders in what is another for each."""
    action, foreach = step.action, said["foreach"]
    if isinstance(action, Command):
        words = [with_placeholders(word, Braces.SHELL) for word in action.argv]
        text = None if action.text is None else with_placeholders(action.text, Braces.SHELL)
        action = replace(action, text=cast("Text | None", text), argv=tuple(words))
    return replace(
        step,
        action=action,
        arguments={key: with_placeholders(value, Braces.OURS) for key, value in step.arguments.items()},
        env={key: with_placeholders(value, Braces.SHELL) for key, value in step.env.items()},
        foreach=replace(foreach, value=values_read_back(foreach.value)),
        parallel=said["parallel"],
        cpus=said["cpus"],
        memory=said["memory"],
        disk=said["disk"],
        holds=(*said["resources"], *([said["gpus"]] if said["gpus"] else [])),
        allow_failed=said["allow_failed"],
        stop_after_failed=said["stop_after_failed"],
        is_warm=bool(said["warm"]) or (said["function"] is not None and said["warm"] is None),
        reuse=int(said["warm"] or 1),
    )


def _pools(said: _Said) -> Iterator[Pool]:
    """Yield the pools of a pipeline; GPUs are found on the machine unless they are given by hand."""
    for pool in said["resources"]:
        yield replace(pool, value=values_read_back(pool.value))
    if not any(pool.name == GPU for pool in said["resources"]):
        yield Pool(name=GPU, source=FOUND)


def secrets_of(said: _Said) -> tuple[Secret, ...]:
    """Return the Secrets of their sources by name."""
    return tuple(
        Secret(name=name, env=source.get("env"), file=source.get("file"), command=source.get("command"))
        for name, source in said.items()
    )


def _places(node: Node, path: str) -> Iterator[tuple[str, tuple[int, int]]]:
    children = node.entries or {str(index): item for index, item in enumerate(node.items)}
    for name, child in children.items():
        if child.place:
            yield path + name, child.place
        yield from _places(child, f"{path}{name}.")


def _action(said: _Said) -> Script | Command:
    if said["script"] is not None:
        return Script(path=read_back(said["script"]), python=_text(said["python"]))
    if said["function"] is not None:
        file, name = function_parts(said["function"])
        return Script(path=read_back(file), python=_text(said["python"]), function=name)
    if isinstance(said["command"], list):
        return Command(argv=tuple(values_read_back(word) for word in said["command"]))
    return Command(text=read_back(said["command"]), shell=said["shell"])


def _values(mapping: Mapping[str, Plain]) -> Mapping[str, Value]:
    return {key: values_read_back(value) for key, value in mapping.items()}


def _text(text: str | None) -> Text | None:
    return None if text is None else read_back(text)


def _scalar(value: Scalar) -> Scalar:
    # Late references were refused in params: what is left of `${run.id}` there is text, escaped.
    return str(read_back(value)) if isinstance(value, str) else value

"""StepOrders: from a Step to the Order for one attempt, with every reference filled in."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.errors import CannotStart, NotYet
from crude_link.interfaces import FanWork, Logs
from crude_link.model.condition import Facts
from crude_link.model.order import FanOrder, Order, View
from crude_link.model.pipeline import Command, Pipeline, Script, Step
from crude_link.model.resources import GPU
from crude_link.model.run import AttemptKey, Run
from crude_link.model.transfer import Transfer
from crude_link.model.value import Plain, Reference
from crude_link.resources.gpus import ORDER, no_gpus
from crude_link.steps.arguments import argument_list
from crude_link.steps.environment import (
    env_file_of,
    own_env,
    read_env_file,
    recorded_env,
    step_env,
    whole_env,
)
from crude_link.steps.evidence import file_stamp
from crude_link.steps.function import CALL, RESULT, call_text, class_text, function_of, shown_words
from crude_link.steps.input_programs import InputPrograms, Outputs
from crude_link.steps.places import Places, bytes_of_script, make_folder
from crude_link.steps.reading import signature_of
from crude_link.steps.references import RESULTS_FILE, LookUp, References, fill, fill_shell, fill_text
from crude_link.steps.secrets import Secrets
from crude_link.steps.signature import UNKNOWN, Signature
from crude_link.steps.transfer_orders import TransferDraft, TransferMeans
from crude_link.steps.values_of import references_of
from crude_link.steps.written import as_argument, written

if TYPE_CHECKING:
    from crude_link.steps.errands import Errands

#: Of the Python we run under; `platform` would take 6 ms to say it.
VERSION = ".".join(map(str, sys.version_info[:3]))


@dataclass(frozen=True, kw_only=True, slots=True)
class StepOrders:
    """Makes Orders for the steps of one pipeline; implements `Orders`."""

    pipeline: Pipeline
    project: Path
    #: Gives the absolute folder behind `${run.dir}`.
    run_files: Callable[[int], Path]
    logs: Logs
    #: Gives the file of what the function, or the tasks, of an ended attempt gave. NotYet: it is being written.
    results_file: Callable[[AttemptKey], Path]
    secrets: Secrets
    environment: Mapping[str, str]
    host_python: str = sys.executable
    config_folder: Path | None = None
    #: The programs that find inputs: commands, and the one that lists stores.
    outputs: Outputs
    find_gpus: Callable[[], Sequence[str]] = no_gpus
    transfers: TransferMeans = TransferMeans()
    #: What each script takes, by its digest: steps often share one.
    signatures: dict[str, Signature] = field(default_factory=dict, repr=False)
    #: The fan-outs whose inputs are still being found.
    unfinished: dict[AttemptKey, _Draft] = field(default_factory=dict, repr=False)

    def order_for(self, run: Run, step: Step, key: AttemptKey, facts: Facts, view: View) -> Order:
        """Return the order for an attempt of `step`; see `Orders`."""
        return _Draft(self, run, step, key, self._references(run, step, facts)).order(view)

    def fan_for(self, run: Run, step: Step, key: AttemptKey, facts: Facts) -> FanWork:
        """Return the work of a step with `foreach`; see `Orders`.

        Late references and secrets are looked up here, once for all tasks, however often NotYet is raised.
        """
        from crude_link.steps.fan_draft import what_tasks_share

        draft = self.unfinished.pop(key, None) or _Draft(
            self, run, what_tasks_share(step), key, self._references(run, step, facts)
        )
        try:
            work = draft.fan(step, facts)
        except NotYet:
            self.unfinished[key] = draft
            raise
        except CannotStart:
            self.outputs.forget(draft.folder)
            raise
        self.outputs.forget(draft.folder)
        return work

    def _references(self, run: Run, step: Step, facts: Facts) -> References:
        """Return what looks up the references of a step. NotYet, before anything else is done for it."""
        references = References(run, facts, self.run_files, self.logs, self.results_file)
        for _, reference in references_of(step):
            if reference.path.endswith(RESULTS_FILE):
                references.look_up(reference)
        return references


@dataclass(kw_only=True, slots=True)
class _Started:
    """What an action becomes: its argv, what is recorded of it, and what ran it."""

    argv: list[str]
    record: list[str]
    interpreter: str | None = None
    digest: str | None = None


@dataclass(slots=True)
class _Draft:
    """One order in the making; secrets are found at most once."""

    orders: StepOrders
    run: Run
    step: Step
    key: AttemptKey
    references: References
    used: dict[str, str] = field(default_factory=dict)

    def order(self, view: View) -> Order:
        step, places = self.step, self._places()
        cwd = places.folder(fill_text(step.cwd, self._value)) if step.cwd is not None else places.project
        for text in step.inputs:
            places.existing(fill_text(text, self._value), "the declared input")
        env_file = env_file_of(step, self._value)
        from_file = read_env_file(env_file, places) if env_file is not None else {}
        log = self.orders.logs.place(self.key)
        metrics_lines = log.stdout.with_suffix(".metrics")
        ours = own_env(self.run, self.key, self._run_dir(), metrics_lines)
        if function_of(step) and self.key.task:
            ours[RESULT] = str(log.stdout.with_suffix(".result"))
        env = whole_env(self.orders.environment, from_file, step_env(step.env, self._value), ours)
        draft = self._transfer(log.stdout) if isinstance(step.action, Transfer) else None
        if draft:
            env = draft.env(env, self._value)
        started = self._started(env, cwd, draft)
        outputs = tuple(places.path(fill_text(text, self._value)) for text in step.outputs)
        metrics = places.path(fill_text(step.metrics, self._value)) if step.metrics is not None else None
        return Order(
            key=self.key,
            argv=tuple(started.argv),
            env=env,
            cwd=cwd,
            log=log,
            stdin=step.stdin,
            timeout=step.timeout,
            stop_grace=step.stop_grace,
            masks=self.orders.secrets.masks((*self.orders.secrets.at_hand(env).values(), *self.used.values())),
            view=view,
            record_argv=tuple(started.record),
            record_env=recorded_env(env, from_file, step_env(step.env, self._reference), env_file or ""),
            record_resolved=self.references.resolved,
            interpreter=started.interpreter,
            script_digest=started.digest,
            metrics_lines=metrics_lines,
            metrics_file=metrics,
            metrics_before=file_stamp(metrics) if metrics else None,
            outputs=outputs,
            report=draft.report if draft else None,
        )

    def fan(self, step: Step, facts: Facts) -> FanWork:
        """Return the work of `step`, of which this drafts what all tasks share."""
        from crude_link.steps.errands import first_input
        from crude_link.steps.fan_draft import (
            Reach,
            asked_of,
            compiled_command,
            filled_source,
            opened_inputs,
            warm_start,
        )
        from crude_link.steps.fan_room import budgets_of, is_bound, pools_of, read_pools, room_of
        from crude_link.steps.fan_work import StepFan, compiled_env, shares_of_env

        assert step.foreach
        folder = self.folder
        make_folder(folder)
        programs = InputPrograms(
            outputs=self.orders.outputs,
            step=self.step,
            storage=step.foreach.storage,
            places=self._places(),
            environment=self.orders.environment,
            look_up=self._value,
            masks=lambda: self.orders.secrets.masks(self.used.values()),
        )
        reach = Reach(
            places=self._places(),
            logs=self.orders.logs,
            facts=facts,
            folder=folder,
            run_command=programs.run_command,
            list_stores=programs.list_stores,
        )
        # First of all what may name secrets: what is masked is known when the order is made.
        source = filled_source(step.foreach, self._value)
        declared = self.orders.pipeline.pools
        pools = read_pools(
            pools_of(step, declared),
            self._value,
            lambda value: asked_of(value, reach, "the file of its items"),
            self.orders.find_gpus,
        )
        for pool in declared:
            if pool.is_secret:
                self.used.update((f"{pool.name}.{name}", item) for name, item in pools.get(pool.name, {}).items())
        # Nothing behind this raises NotYet: what it found is read once.
        opened = opened_inputs(step.foreach, source, reach)
        budgets = budgets_of(step, reach.places.project)
        slots, limit = room_of(step, pools, budgets)
        env = compiled_env(step, self._value)
        errands = self._errands(step, folder / "errands")
        script = step.action if isinstance(step.action, Script) and step.arguments else None
        signature = self._signature_of(script) if script else UNKNOWN
        compiled_command(step, signature, [], self._value)
        whole = self.order(View())
        function = function_of(step)
        head = list(whole.argv)[:4] if function else list(whole.argv)
        config = self._class_config(step) if function else None
        command = compiled_command(step, signature, head, self._value, config)
        env_of_all = {ORDER[0]: ORDER[1], **whole.env} if GPU in pools else dict(whole.env)
        if errands:
            command = errands.around(command)
            env_of_all |= errands.env(first_input(step.foreach, source, reach))
        record = compiled_command(step, signature, list(whole.record_argv), self._reference)
        own = {name: str(value) for name, value in shares_of_env(step.env)[1].items()}
        whole = replace(
            whole,
            argv=(),
            env=env_of_all,
            record_argv=record.written(),
            record_env={**(whole.record_env or {}), **own},
        )
        return StepFan(
            order=FanOrder(
                whole=whole,
                folder=folder,
                slots=slots,
                limit=limit,
                pools=pools,
                quarantine={pool.name: pool.quarantine for pool in declared if pool.quarantine},
                budgets=budgets,
                has_slot_needs=bool(budgets or step.holds),
                is_bound=is_bound(step) or any(budget.left for budget in budgets),
                warm=errands.warm if errands else warm_start(step, head),
                has_values=function is not None,
            ),
            command=command,
            env=env,
            opened=opened,
        )

    @property
    def folder(self) -> Path:
        """Where what concerns the tasks is kept."""
        return self.orders.logs.place(self.key).stdout.parent / "tasks"

    def _errands(self, step: Step, notes: Path) -> Errands | None:
        """Return the transfers of a step's tasks, if they have any."""
        if not step.transfers:
            return None
        from crude_link.steps.errands import ErrandMeans, Errands  # costs what only these need

        locks = (self.orders.transfers.notes or notes) / "places"
        return Errands(step, ErrandMeans(look_up=self._value, places=self._places(), notes=notes, locks=locks))

    def _signature_of(self, script: Script) -> Signature:
        path = self._places().script(fill_text(script.path, self._value))
        if path.suffix != ".py":
            return UNKNOWN
        source = bytes_of_script(path)
        return self._signature(source, hashlib.sha256(source).hexdigest())

    def _run_dir(self) -> Path:
        """Return `${run.dir}`, made again should somebody have removed it."""
        path = self.orders.run_files(self.run.id)
        make_folder(path)
        return path

    def _started(self, env: Mapping[str, str], cwd: Path, draft: TransferDraft | None) -> _Started:
        if draft:
            return _Started(argv=draft.argv(self._value), record=draft.record(self._reference))
        if isinstance(self.step.action, Script):
            return self._script(self.step.action, env, cwd)
        assert isinstance(self.step.action, Command)
        return _Started(
            argv=self._command(self.step.action, self._value),
            record=self._command(self.step.action, self._reference),
        )

    def _transfer(self, stdout: Path) -> TransferDraft:
        assert isinstance(self.step.action, Transfer)
        return TransferDraft(
            transfer=self.step.action,
            run=self.run,
            key=self.key,
            stem=stdout,
            folder=self._run_dir().parent,
            means=self.orders.transfers,
            places=self._places(),
        )

    def _script(self, script: Script, env: Mapping[str, str], cwd: Path) -> _Started:
        text = fill_text(script.path, self._value)
        path = self._places().script(text, str(cwd))
        source = bytes_of_script(path)
        as_typed = text if cwd == self.orders.project and not text.startswith("~") else str(path)
        if path.suffix == ".py":
            python, version = self._python(script, env)
            head = [python, f"./{as_typed}" if as_typed.startswith("-") else as_typed]
        else:
            version = None
            head = [as_typed if "/" in as_typed else f"./{as_typed}"]
        digest = hashlib.sha256(source).hexdigest()
        if script.function:
            return self._function(script.function, as_typed, head[0], version, digest)
        signature = self._signature(source, digest) if path.suffix == ".py" and self.step.arguments else UNKNOWN
        return _Started(
            argv=[*head, *self._arguments(self._value, signature)],
            record=[*head, *self._arguments(self._reference, signature)],
            interpreter=version,
            digest=digest,
        )

    def _function(self, name: str, file: str, python: str, version: str | None, digest: str) -> _Started:
        given = {key: fill(value, self._value) for key, value in self.step.arguments.items()}
        shown = {key: fill(value, self._reference) for key, value in self.step.arguments.items()}
        config = self._class_config(self.step)
        text = call_text(given) if config is None else class_text({**config, "arguments": given})
        return _Started(
            argv=[python, str(CALL), file, name, text],
            record=[f"{file}:{name}", *shown_words(shown)],
            interpreter=version,
            digest=digest,
        )

    def _class_config(self, step: Step) -> Mapping[str, Plain] | None:
        """Return what a step's class is made with, its arguments aside; None where it names a function."""
        from crude_link.steps.class_config import class_config
        from crude_link.steps.definitions import class_in  # costs what only functions need

        assert isinstance(step.action, Script)
        assert step.action.function
        source = bytes_of_script(self._places().script(fill_text(step.action.path, self._value)))
        is_class = class_in(source, step.action.function) is not None
        return class_config(self.orders.pipeline, step.name) if is_class else None

    def _signature(self, source: bytes, digest: str) -> Signature:
        known = self.orders.signatures
        if digest not in known:
            known[digest] = signature_of(source)
        return known[digest]

    def _python(self, script: Script, env: Mapping[str, str]) -> tuple[str, str]:
        """Return the interpreter to run, and how the record names it."""
        if script.python is None:
            return self.orders.host_python, f"{self.orders.host_python} ({VERSION})"
        python = self._places().python(fill_text(script.python, self._value), env)
        return python, python

    def _command(self, command: Command, look_up: LookUp) -> list[str]:
        arguments = self._arguments(look_up, UNKNOWN)
        if command.text is None:
            words = [as_argument(written(fill(word, look_up)), "the command") for word in command.argv]
            return [*words, *arguments]
        text = fill_shell(command.text, look_up).with_words(arguments)
        return [*command.shell, as_argument(text, "the command")]

    def _arguments(self, look_up: LookUp, signature: Signature) -> list[str]:
        filled = {key: fill(value, look_up) for key, value in self.step.arguments.items()}
        return argument_list(self.step.argument_style, filled, signature)

    def _value(self, reference: Reference) -> Plain:
        if reference.head != "secrets":
            return self.references.look_up(reference)
        name = reference.path.removeprefix("secrets.")
        if name not in self.used:
            self.used[name] = self.orders.secrets.value(name)
        return self.used[name]

    def _reference(self, reference: Reference) -> Plain:
        """As `_value`, but secrets stay what they are in the config."""
        return str(reference) if reference.head == "secrets" else self.references.look_up(reference)

    def _places(self) -> Places:
        return Places(project=self.orders.project, config_folder=self.orders.config_folder)

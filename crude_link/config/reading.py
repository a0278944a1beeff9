"""Reading: from YAML's node graph to Drafts, one for each pipeline of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import yaml

from crude_link.config.csjr import WORDS
from crude_link.config.draft import Body, Draft, StepDraft
from crude_link.config.keys import STEP_KEYS
from crude_link.config.node import Node
from crude_link.config.problems import Position, Problems, did_you_mean, one_of
from crude_link.config.scalars import scalar_of
from crude_link.config.syntax import go_template

_MERGE = "tag:yaml.org,2002:merge"
_OCTAL_OR_SIXTY = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)$")
_EMPTY = "`steps` is empty; list what to run: `- script: train.py`"
#: Key node and value node by the text of the key.
_Pairs = dict[str, tuple[yaml.Node, yaml.Node]]


class Reader:
    """Reads one node graph; `problems` gathers what is wrong on the way."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._nodes: dict[int, Node] = {}
        self._open: set[int] = set()
        self._configs: dict[int, str] = {}
        self._checked: set[int] = set()
        #: A step of one word, too, is a command line: what is read is a job of the cloud storage job runner.
        self._takes_lines = False

    def drafts(self, root: yaml.MappingNode) -> tuple[Draft, dict[str, Draft] | None]:
        """Return what is shared by all pipelines, and the pipelines by name; None: the file is one pipeline."""
        pairs = self._pairs(root)
        several = [key for key in ("pipelines", "jobs") if key in pairs]
        self._takes_lines |= not WORDS.keys().isdisjoint(pairs)
        found = {key: pairs.pop(key) for key in several}
        shared = self._draft(pairs, _start(root))
        if len(several) > 1:
            self._problems.add("`jobs` is another word for `pipelines`; use one of them", _start(found["jobs"][0]))
        pipelines: dict[str, Draft] = {}
        shared_configs = dict(self._configs)
        for key, (_, bodies) in found.items():
            for name, key_node, body in self._named(key, bodies):
                own = self._pairs(body)
                self._configs = dict(shared_configs)  # to one pipeline, a config of another is a mapping like any
                for word in [word for word in ("pipelines", "jobs") if word in own]:
                    self._problems.add(f"`{word}` cannot stand within a pipeline", _start(own.pop(word)[0]))
                pipelines[name] = self._draft(own, _start(key_node))
        return shared, pipelines if several else None

    def _named(self, key: str, bodies: yaml.Node) -> Iterator[tuple[str, yaml.Node, yaml.MappingNode]]:
        """Yield pipelines by their names, which stand before them, or in a list under `name`."""
        if isinstance(bodies, yaml.MappingNode) and bodies.value:
            for name, (key_node, body) in self._pairs(bodies).items():
                if isinstance(body, yaml.MappingNode):
                    yield name, key_node, body
                else:
                    self._problems.add(f"pipeline '{name}' is a mapping with `steps`", _start(body))
        elif isinstance(bodies, yaml.SequenceNode) and bodies.value:
            seen: set[str] = set()
            for body in bodies.value:
                pairs = self._pairs(body) if isinstance(body, yaml.MappingNode) else {}
                said = pairs["name"][1] if "name" in pairs else None
                if not isinstance(said, yaml.ScalarNode) or not said.value:
                    self._problems.add(f"each of the list `{key}` is a mapping with `name` and `steps`", _start(body))
                elif said.value in seen:
                    self._problems.add(f"there are two pipelines of the name '{said.value}'", _start(said))
                else:
                    seen.add(said.value)
                    yield said.value, said, body
        else:
            self._problems.add(f"`{key}` is a mapping: name -> {{steps: ...}}", _start(bodies))

    def _draft(self, pairs: _Pairs, at: Position) -> Draft:
        takes_lines, self._takes_lines = self._takes_lines, self._takes_lines or not WORDS.keys().isdisjoint(pairs)
        configs = self._read_configs(pairs["configs"][1]) if "configs" in pairs else {}
        steps = self._read_steps(pairs["steps"][1]) if "steps" in pairs else None
        keys = {
            key: self._keyed(*pair)
            for key, pair in pairs.items()
            if key not in ("configs", "steps") and not key.startswith("x-")
        }
        self._takes_lines = takes_lines
        steps_at = _start(pairs["steps"][0]) if "steps" in pairs else None
        return Draft(keys=keys, configs=configs, steps=steps, steps_at=steps_at, at=at)

    # --- configs and steps ----------------------------------------------------------------------------------

    def _read_configs(self, node: yaml.Node) -> dict[str, Body]:
        if isinstance(node, yaml.ScalarNode) and not node.value:
            return {}
        found: list[tuple[str, yaml.Node, yaml.Node]] = []
        for mapping in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(mapping, yaml.MappingNode):
                self._problems.add("`configs` holds names with mappings: `training: {script: ...}`", _start(mapping))
                continue
            found += [(name, *pair) for name, pair in self._pairs(mapping).items()]
        configs: dict[str, Body] = {}
        names = [name for name, _, _ in found]
        mappings = [
            (name, key, body)
            for name, key, body in found
            if self._is_config(name, key, body, names) and isinstance(body, yaml.MappingNode)
        ]
        self._configs.update({id(body): name for name, _, body in mappings})
        for name, key_node, body in mappings:
            if name in configs:
                self._problems.add(f"there are two configs of the name '{name}'", _start(key_node))
            made = self._body(body)
            configs[name] = replace(made, own=Node(made.own.value, made.own.at, _start(key_node)))
        return configs

    def _is_config(self, name: str, key: yaml.Node, body: yaml.Node, names: list[str]) -> bool:
        if isinstance(body, yaml.MappingNode):
            return True
        if name in STEP_KEYS:
            at_fault = f"`{name}` stands where a config's name is expected; indent it below the name"
        elif not body.value and any(other in STEP_KEYS for other in names):
            at_fault = f"config '{name}' is empty: its keys must be indented further than its name"
        else:
            at_fault = f"config '{name}' is a mapping with `script` or `command`"
        self._problems.add(at_fault, _start(key))
        return False

    def _read_steps(self, node: yaml.Node) -> tuple[StepDraft, ...]:
        if isinstance(node, yaml.SequenceNode):
            if not node.value:
                self._problems.add(_EMPTY, _start(node))
            drafts = [self._read_step(child) for child in node.value]
            return tuple(draft for draft in drafts if draft)
        is_empty = isinstance(node, yaml.ScalarNode) and not node.value
        self._problems.add(_EMPTY if is_empty else "`steps` is a list; begin each step with `- `", _start(node))
        return ()

    def _read_step(self, node: yaml.Node) -> StepDraft | None:
        at = _start(node)
        if isinstance(node, yaml.MappingNode):
            body = self._body(node)
            if id(node) in self._configs:
                name = self._configs[id(node)]
                body = Body(own=Node({}, at), bases=(name,), made_from=name)
            return StepDraft(body=body, at=at)
        if isinstance(node, yaml.ScalarNode) and node.value:
            self._value(node)
            return self._step_of_text(str(node.value).strip(), at)
        self._problems.add(
            "a step is a mapping with `script` or `command`, the name of a config, or a command line", at
        )
        return None

    def _step_of_text(self, text: str, at: Position) -> StepDraft | None:
        known = set(self._configs.values())
        first, *rest = re.split(r"\s+", text, maxsplit=1)
        if rest and first in known:
            self._problems.add(
                f"'{first}' is a config, which takes its arguments under `arguments:`; if a program of this name "
                f"is meant, write `command: {text}`",
                at,
            )
            return None
        if rest or (self._takes_lines and text not in known):
            return StepDraft(body=Body(own=Node({"command": Node(text, at)}, at)), at=at)
        if text in known:
            return StepDraft(body=Body(own=Node({}, at), bases=(text,), made_from=text), at=at)
        is_file = "." in text or "/" in text
        advice = f"; to run {'a file' if is_file else 'it'} write `{'script' if is_file else 'command'}: {text}`"
        near = did_you_mean(text, known)
        self._problems.add(f"there is no config '{text}'{near or advice}; configs: {one_of(sorted(known))}", at)
        return None

    def _body(self, node: yaml.MappingNode) -> Body:
        """Read a step or a config: its merges as bases, its own keys as `own`."""
        self._open.add(id(node))
        bases: list[str | Body] = []
        named: list[str] = []
        for key, value in node.value:
            if key.tag == _MERGE:
                sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
                made = [self._base(source) for source in sources]
                named += [base for base in made if isinstance(base, str)]
                bases += [base for base in reversed(made) if base is not None]
        self._open.discard(id(node))
        own = {key: self._keyed(*pair) for key, pair in self._pairs(node, merge=False).items()}
        return Body(own=Node(own, _start(node)), bases=tuple(bases), made_from=named[0] if named else None)

    def _base(self, source: yaml.Node) -> str | Body | None:
        if id(source) in self._open:
            self._problems.add("this merges itself", _start(source))
            return None
        if id(source) in self._configs:
            return self._configs[id(source)]
        if isinstance(source, yaml.MappingNode):
            return self._body(source)
        self._problems.add("`<<` merges mappings: `<<: *name`", _start(source))
        return None

    # --- plain values ---------------------------------------------------------------------------------------

    def _keyed(self, key: yaml.Node, value: yaml.Node) -> Node:
        node = self._value(value)
        return Node(node.value, node.at, _start(key))

    def _value(self, node: yaml.Node) -> Node:
        if id(node) in self._nodes:
            return self._nodes[id(node)]
        if id(node) in self._open:
            self._problems.add("this alias contains itself", _start(node))
            return Node(None, _start(node))
        self._open.add(id(node))
        made = self._made(node)
        self._open.discard(id(node))
        self._nodes[id(node)] = made
        return made

    def _made(self, node: yaml.Node) -> Node:
        at = _start(node)
        if isinstance(node, yaml.ScalarNode):
            return Node(self._scalar(node, at), at)
        if isinstance(node, yaml.SequenceNode):
            return Node(tuple(self._value(child) for child in node.value), at)
        assert isinstance(node, yaml.MappingNode)
        braces = _braces_meant(node)
        if braces:
            self._problems.add(braces, at)
            return Node(None, at)
        return Node({key: self._keyed(*pair) for key, pair in self._pairs(node).items()}, at)

    def _scalar(self, node: yaml.ScalarNode, at: Position) -> Any:
        try:
            value = scalar_of(node)
        except ValueError as error:
            self._problems.add(f"{error}; quote it to mean text", at)
            return None
        if isinstance(value, (int, float)) and not node.style and _OCTAL_OR_SIXTY.match(node.value):
            self._problems.warn(f"YAML reads {node.value} as the number {value}; quote it to mean text", at)
        template = go_template(value) if isinstance(value, str) else None
        if template:
            self._problems.add(f"templates in double braces are not known here; write `{template}`", at)
        return value

    def _pairs(self, node: yaml.MappingNode, merge: bool = True) -> _Pairs:
        """Return a mapping's pairs by the text of their keys; with `merge`, those that `<<` brings too."""
        own: _Pairs = {}
        merged: _Pairs = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                if merge:
                    merged.update(self._merged_pairs(value))
                continue
            if not isinstance(key, yaml.ScalarNode):
                self._problems.add("a key is a word; quote braces and brackets that belong to a text", _start(key))
                continue
            if key.value in own and id(node) not in self._checked:
                first = own[key.value][0].start_mark.line + 1
                self._problems.add(f"`{key.value}` stands here a second time (first in line {first})", _start(key))
            own[key.value] = (key, value)
        self._checked.add(id(node))
        return {**merged, **own}

    def _merged_pairs(self, value: yaml.Node) -> Mapping[str, tuple[yaml.Node, yaml.Node]]:
        pairs: _Pairs = {}
        for source in reversed(value.value if isinstance(value, yaml.SequenceNode) else [value]):
            if isinstance(source, yaml.MappingNode) and id(source) not in self._open:
                self._open.add(id(source))
                pairs.update(self._pairs(source))
                self._open.discard(id(source))
            else:
                self._problems.add("`<<` merges mappings: `<<: *name`", _start(source))
        return pairs


def _start(node: yaml.Node) -> Position:
    return (node.start_mark.line + 1, node.start_mark.column + 1)


def _braces_meant(node: yaml.MappingNode) -> str | None:
    """Say what was meant by `{item}` and `{{ Exec "x" }}`, which YAML reads as mappings; None for a real mapping."""
    if not node.flow_style or not node.value:
        return None
    key, value = node.value[0]
    if isinstance(key, yaml.MappingNode):
        words = key.value[0][0].value if key.value else ""
        template = go_template("{{" + words + "}}") if isinstance(words, str) else None
        advice = f"write `{template}`" if template else "quote the text"
        return f"YAML reads double braces as a mapping in a mapping; {advice}"
    is_empty = isinstance(value, yaml.ScalarNode) and value.value == "" and not value.style
    if isinstance(key, yaml.ScalarNode) and is_empty:
        return f"YAML reads `{{{key.value}}}` as a mapping; quote it: '{{{key.value}}}'"
    return None

"""Launch: starts the processes of a fan-out's tasks, with what of their environment and place all have in common."""

from __future__ import annotations

import os

from crude_link.agent.processes import MARK
from crude_link.agent.spawn import CannotSpawn, find_program, refusal_of, spawn_quickly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crude_link.agent.machine import DescriptorLimit
    from crude_link.agent.protocol import Message

_MARK = MARK.encode()


class Launch:
    """Remembers where programs were found."""

    def __init__(self, order: Message, descriptors: DescriptorLimit) -> None:
        self.env = {as_bytes(name): as_bytes(value) for name, value in order["env"].items()}
        self.path: str = order["env"].get("PATH", os.defpath)
        #: What the tasks of each slot are told beside what all are; empty: nothing.
        self.slot_envs: list[dict[bytes, bytes]] = []
        #: What the environment of each process says of whose it is, up to the number of its task.
        self.mark = b""
        self._descriptors = descriptors
        self._named: str = order["cwd"]
        self._cwd = as_bytes(order["cwd"])
        self._programs: dict[str, str] = {}

    def take_slots(self, slots: int, envs: list[dict[str, str] | None]) -> Sequence[int]:
        """Remember what the tasks of each slot are told; return the slots in which tasks may begin."""
        self.slot_envs = [{as_bytes(name): as_bytes(env[name]) for name in env} if env else {} for env in envs]
        if None not in envs:
            return range(1, slots + 1)
        return [number for number, env in enumerate(envs, start=1) if env is not None]

    def env_for(self, slot: int, serial: int, own: dict[str, str]) -> tuple[dict[bytes, bytes], str]:
        """Return the environment of a task in a slot, and the PATH in which its program is looked for."""
        env, path = self.env.copy(), self.path
        if self.slot_envs:
            env.update(self.slot_envs[slot - 1])
        if own:
            path = own.get("PATH", path)
            env.update([(as_bytes(name), as_bytes(value)) for name, value in own.items()])
        env[_MARK] = b"%s%d" % (self.mark, serial)
        return env, path

    def spawn_beside(self, argv: list[str], fds: tuple[int, int, int]) -> int:
        """Start a process that is no task. CannotSpawn, NoRoom."""
        return self.spawn(argv, {**self.env, _MARK: self.mark + b"0"}, self.path, fds)

    def spawn(self, argv: list[str], env: dict[bytes, bytes], path: str, fds: tuple[int, int, int]) -> int:
        """Start a process in the fan-out's directory; return its pid. CannotSpawn, NoRoom."""
        try:
            # Each time: the directory may have been made anew. Only the end of the whole leads out of it again.
            os.chdir(self._cwd)
        except OSError as error:
            raise CannotSpawn(f"cannot start in {self._named}: {str(error.strerror).lower()}") from error
        name = argv[0] if argv else ""
        program = self._programs.get(name) if path is self.path else None
        try:
            if program is None:
                program = find_program(name, path)
                if path is self.path:
                    self._programs[name] = program
            words = [as_bytes(argument) for argument in argv]
            with self._descriptors:
                return spawn_quickly(program, words, env, self._descriptors.low(fds))
        except (ValueError, OSError) as error:
            self._programs.pop(name, None)
            raise refusal_of(argv, program or name, error) from error


def as_bytes(text: str) -> bytes:
    """Return text as the system has it."""
    return text.encode("utf-8", "surrogateescape")

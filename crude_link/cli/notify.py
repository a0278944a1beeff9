"""`crude-link notify`: the commands about alerts."""

from __future__ import annotations

from crude_link.cli.group import Entry, subgroup

COMMANDS = {
    "test": Entry("notify_test", "Try", "Send a test to all whom a config file names."),
    "log": Entry("notify_log", "Look", "List what was sent to whom, and what came of it."),
    "deliver": Entry("notify_deliver", "Run", "Deliver what is due; crude-link does it by itself."),
}
command = subgroup(COMMANDS, "Try whether alerts arrive, and see what became of them.")

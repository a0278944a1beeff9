"""`crude-link schedule`: the commands about schedules."""

from __future__ import annotations

from crude_link.cli.group import Entry, subgroup

COMMANDS = {
    "start": Entry("schedule_start", "Run", "Follow the schedules of the config files until it is stopped."),
    "pause": Entry("schedule_pause", "Run", "Let pipelines begin nothing by schedule."),
    "unpause": Entry("schedule_unpause", "Run", "Let pipelines begin runs by schedule again."),
    "backfill": Entry("schedule_backfill", "Run", "Run slot times of the past, one after the other."),
    "next": Entry("schedule_next", "Look", "Print the slot times that come, and what would become of them."),
    "status": Entry("schedule_status", "Look", "Say whether a scheduler is alive, and how its pipelines stand."),
    "history": Entry("schedule_history", "Look", "Say what became of the slot times that came."),
    "install": Entry("schedule_install", "Keep", "Have this machine start the scheduler, and keep it going."),
    "uninstall": Entry("schedule_uninstall", "Keep", "Stop and remove what install set up."),
}
command = subgroup(COMMANDS, "Follow schedules, and look after them.")

"""Agent: the one program that starts, watches and stops the processes of steps, on the machine on which it runs.

It is a package only because one file would be too long: standard library only, Python 3.8 or later, importing
nothing but its own modules. It is spoken to by lines of JSON (ASCII only) on its stdin and answers likewise on its
stdout. Bytes travel as text in Latin-1, arguments and paths as UTF-8 with surrogate escapes. Keys of attempts are
the coordinator's business: the agent only repeats them.

To the agent, by `do`:

    hold      run lock sweep          take the lock file; with `sweep`, first end what is left of the run
    release   run                     let go of it
    start     run key argv env cwd stdout stderr index stdin timeout grace masks screens
                                      `stdin` is `nothing` or `terminal`; `timeout` (or null) and `grace` are seconds;
                                      `screens` holds for `stdout` and `stderr` [rows, columns] or null; orders for
                                      a run wait until its lock is held
    stop      key now                 INT, grace, TERM, grace, KILL; with `now`, KILL at once
    resize    rows columns            the person's terminal has a new size
    keyboard  key data                keys for an attempt whose stdin is the terminal
    fan       run key env cwd folder prefix slots timeout grace masks warm values
                                      a fan-out: in `folder` the archive of slot K is `PREFIX-K.archive`; it waits for
                                      the lock as attempts do, and `stop` ends it likewise; `warm` is null or has
                                      `argv`, with which those tasks begin that a zygote is to fork, and `files` that
                                      it loads in place of the imports of `argv[1]`, and `turns`, how
                                      many tasks each process does; with `values` each task is told
                                      in CRUDE_LINK_RESULT where to write what is kept in `PREFIX-K.results`
    tasks     key tasks               each `[task, number, digest, argv, env]`, `env` over that of the fan-out; begun
                                      in this order, each in the slot that is free first
    close     key forget              no more tasks come; with `forget`, those that wait are dropped without a word
    slots     key slots envs          so many from now on; `envs` has what the tasks of each are told beside what all
                                      are, null where none begins, or nothing
    timeout   key seconds words       each task may take so long from now on, those that run too; `words` come back as
                                      the `reason` of those that took longer

From the agent, by `is`:

    hello     host pid platform python cores memory
    held      run
    refused   run reason              the lock can never be had; orders for the run end at once
    started   key pid
    wrote     key stream data         masked, otherwise as it came
    ended     key and the facts of `Attempt.facts`; of a fan-out also `slots`, the seconds of all its slots together,
                                      and `idle`, how many of them no task ran
    tasks     key ended running       some ends of tasks: `[task, number, digest, slot, why, exit, signal, began_us,
                                      wall_us, cpu_us, peak, out, err, offset, out_of_memory, last_line, more]`, where
                                      `more` is null or has `reason killed survivors trouble tail retry`, the last of
                                      them JSON where a function asks for another try; and of those
                                      that run the oldest: `[task, seconds]`
    remarked  text key                `key` may be null

When its stdin ends, or nobody reads its stdout, the coordinator is gone: whatever runs gets INT, 2 s later TERM,
2 s later KILL, and the agent exits.
"""

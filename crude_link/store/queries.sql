-- name: insert_run
-- Record a new run; the row gives the id.
INSERT INTO runs (pipeline, origin, status, began, config_file, config_digest, params, settings, start_at, only_step,
                  "group", slot_time, rerun_of)
VALUES (:pipeline, :origin, :status, :began, :config_file, :config_digest, :params, :settings, :start_at, :only_step,
        :group, :slot_time, :rerun_of);

-- name: run
-- One run as recorded.
SELECT * FROM runs WHERE id = :run;

-- name: runs
-- The newest runs of all pipelines first.
SELECT * FROM runs ORDER BY id DESC LIMIT :limit;

-- name: running_runs
-- The runs of all pipelines that by their record are running, oldest first.
SELECT * FROM runs WHERE status = 'running' ORDER BY id;

-- name: running_runs_of_pipeline
-- The runs of one pipeline that by their record are running, oldest first.
SELECT * FROM runs WHERE pipeline = :pipeline AND status = 'running' ORDER BY id;

-- name: runs_of_pipeline
-- The newest runs of one pipeline first.
SELECT * FROM runs WHERE pipeline = :pipeline ORDER BY id DESC LIMIT :limit;

-- name: set_run_status
-- Record how a run stands.
UPDATE runs SET status = :status, reason = :reason, ended = :ended WHERE id = :run;

-- name: set_run_document
-- Let a run follow another version of its document.
UPDATE runs SET document_number = :number, config_digest = :config_digest WHERE id = :run;

-- name: last_sign
-- The last moment of which the record of a run knows that its holder lived.
SELECT max(moment) AS moment FROM (
    SELECT max(began) AS moment FROM sittings WHERE run = :run
    UNION ALL SELECT max(began) FROM attempts WHERE run = :run
    UNION ALL SELECT max(ended) FROM attempts WHERE run = :run
);

-- name: delete_run
-- Forget a run; what hangs on it goes with it.
DELETE FROM runs WHERE id = :run;

-- name: fans
-- The fan-outs of a run.
SELECT id FROM fans WHERE run = :run;

-- name: delete_some_tasks
-- Forget some tasks of a run that is to be removed.
DELETE FROM tasks WHERE fan = :fan AND task IN (SELECT task FROM tasks WHERE fan = :fan ORDER BY task LIMIT :limit);

-- name: delete_some_task_words
-- Forget what is said of some tasks of a run that is to be removed.
DELETE FROM task_words
WHERE fan = :fan AND task IN (SELECT task FROM task_words WHERE fan = :fan ORDER BY task LIMIT :limit);

-- name: insert_removed
-- Remember that the folder of a removed run is to go.
INSERT OR IGNORE INTO removed (run) VALUES (:run);

-- name: removed
-- The removed runs whose folders may still be there.
SELECT run FROM removed ORDER BY run;

-- name: delete_removed
-- The folder of a removed run is gone.
DELETE FROM removed WHERE run = :run;

-- name: begin_ids_after
-- Give the first run of a new store an id above those of folders that are there already.
INSERT INTO sqlite_sequence (name, seq) VALUES ('runs', :last);

-- name: insert_sitting
-- Record a sitting.
INSERT INTO sittings (run, number, began, host, pid, user, argv, python, code_commit, code_dirty, code_diff_digest)
VALUES (:run, :number, :began, :host, :pid, :user, :argv, :python, :commit, :dirty, :diff_digest);

-- name: sittings
-- The sittings of a run in order.
SELECT * FROM sittings WHERE run = :run ORDER BY number;

-- name: newest_sitting
-- The newest sitting of a run.
SELECT * FROM sittings WHERE run = :run ORDER BY number DESC LIMIT 1;

-- name: end_sitting
-- Record the end of a sitting.
UPDATE sittings SET ended = :ended WHERE run = :run AND number = :number;

-- name: insert_step
-- Add a step to a run, or give it another place; its state stays.
INSERT INTO steps (run, name, position, status) VALUES (:run, :name, :position, 'waiting')
ON CONFLICT (run, name) DO UPDATE SET position = excluded.position;

-- name: step_names
-- The names of the steps of a run.
SELECT name FROM steps WHERE run = :run ORDER BY position;

-- name: delete_step
-- Drop a step that the newer document does not have.
DELETE FROM steps WHERE run = :run AND name = :name;

-- name: set_state
-- Cache how a step stands.
UPDATE steps SET status = :status, reason = :reason WHERE run = :run AND name = :name;

-- name: states
-- The cached states of a run in the pipeline's order.
SELECT name, status, reason FROM steps WHERE run = :run ORDER BY position;

-- name: insert_attempt
-- Record an attempt before it is started.
INSERT INTO attempts (run, step, task, number, pipeline, sitting, began, host, slot, argv, cwd, env, interpreter,
                      script_digest, resolved, pid)
SELECT id, :step, :task, :number, pipeline, :sitting, :began, :host, :slot, :argv, :cwd, :env, :interpreter,
       :script_digest, :resolved, :pid
FROM runs WHERE id = :run;

-- name: end_attempt
-- Record the end of an attempt that has none yet.
UPDATE attempts SET ending = :ending, ended = :ended, reason = :reason, exit_status = :exit_status, signal = :signal,
    wall_us = :wall_us, cpu_us = :cpu_us, peak_memory = :peak_memory, peak_is_bound = :peak_is_bound,
    stdout_bytes = :stdout_bytes, stderr_bytes = :stderr_bytes, survivors = :survivors, slots_us = :slots_us,
    idle_us = :idle_us
WHERE run = :run AND step = :step AND task = :task AND number = :number AND ending IS NULL;

-- name: attempt_id
-- The row of an attempt.
SELECT id FROM attempts WHERE run = :run AND step = :step AND task = :task AND number = :number;

-- name: attempts
-- All attempts of a run in the order in which they began.
SELECT * FROM attempts WHERE run = :run ORDER BY id;

-- name: attempts_without_end
-- The attempts of a run whose end nobody recorded.
SELECT run, step, task, number FROM attempts WHERE run = :run AND ending IS NULL ORDER BY id;

-- name: insert_metric
-- Record a metric of an attempt.
INSERT INTO metrics (attempt, name, value) VALUES (:attempt, :name, :value);

-- name: metrics
-- The metrics of all attempts of a run.
SELECT run, step, task, attempts.number, name, value
FROM attempts JOIN metrics ON metrics.attempt = attempts.id WHERE run = :run ORDER BY attempts.id, name;

-- name: insert_output
-- Record an output of an attempt.
INSERT INTO outputs (attempt, position, path, size, digest) VALUES (:attempt, :position, :path, :size, :digest);

-- name: outputs
-- The outputs of all attempts of a run, each attempt's in the order in which they were declared.
SELECT run, step, task, attempts.number, path, size, digest
FROM attempts JOIN outputs ON outputs.attempt = attempts.id WHERE run = :run ORDER BY attempts.id, position;

-- name: insert_decision
-- Record a decision.
INSERT INTO decisions (run, step, verdict, at, "by", why) VALUES (:run, :step, :verdict, :at, :by, :why);

-- name: decisions
-- The decisions of a run in order.
SELECT * FROM decisions WHERE run = :run ORDER BY id;

-- name: insert_request
-- Put a request to the holder of a run.
INSERT INTO requests (run, kind, "by", at, step, number) VALUES (:run, :kind, :by, :at, :step, :number);

-- name: request_answer
-- What the holder of a run has answered.
SELECT answer FROM requests WHERE id = :request;

-- name: unanswered
-- Every request without an answer, oldest first.
SELECT * FROM requests WHERE answer IS NULL ORDER BY id;

-- name: answer
-- Answer a request that has no answer yet.
UPDATE requests SET answer = :answer WHERE id = :request AND answer IS NULL;

-- name: answer_all
-- Answer what was asked of a run's former holder.
UPDATE requests SET answer = :answer WHERE run = :run AND answer IS NULL;

-- name: steps_with_success
-- The names of the steps of a pipeline that ever succeeded: hops from name to name in the index.
WITH RECURSIVE names (step) AS (
    SELECT min(step) FROM attempts WHERE pipeline = :pipeline AND ending = 'exited' AND exit_status = 0
    UNION ALL
    SELECT (SELECT min(step) FROM attempts
            WHERE pipeline = :pipeline AND ending = 'exited' AND exit_status = 0 AND step > names.step)
    FROM names WHERE names.step IS NOT NULL
)
SELECT step FROM names WHERE step IS NOT NULL;

-- name: last_durations
-- How long a step took in its last 20 successes.
SELECT wall_us FROM attempts
WHERE pipeline = :pipeline AND step = :step AND ending = 'exited' AND exit_status = 0
-- A fan-out that went on did only what was left: it counts when it began and ended in one go.
AND (task > 0 OR number = 1) ORDER BY id DESC LIMIT 20;

-- name: insert_fan
-- Record that a step of a run fans out.
INSERT INTO fans (run, step, source) SELECT id, :step, :source FROM runs WHERE id = :run;

-- name: fan
-- The fan-out of a step.
SELECT id, source, memory FROM fans WHERE run = :run AND step = :step;

-- name: set_fan_source
-- Record in which state of its source the tasks of a fan-out are numbered by position.
UPDATE fans SET source = :source WHERE id = :fan;

-- name: insert_memory
-- Make the memory of a fan-out's step, unless it is there.
INSERT OR IGNORE INTO memories (pipeline, step)
SELECT pipeline, step FROM fans JOIN runs ON runs.id = fans.run WHERE fans.id = :fan;

-- name: set_fan_memory
-- Let what a fan-out does be remembered beyond its run, unless it is already.
UPDATE fans SET memory = (SELECT memories.id FROM memories JOIN runs USING (pipeline)
                          WHERE runs.id = fans.run AND memories.step = fans.step)
WHERE id = :fan AND memory IS NULL;

-- name: forget_fan_memory
-- Let what a fan-out does be remembered no more.
UPDATE fans SET memory = NULL WHERE id = :fan AND memory IS NOT NULL;

-- name: memory_of_fan
-- Where a fan-out is remembered.
SELECT memory, run FROM fans WHERE id = :fan;

-- name: unended_fans_of_memory
-- The fan-outs of other runs that are remembered in the same place, where the end of the run is not recorded.
SELECT fans.id, fans.run, fans.memory FROM fans JOIN runs ON runs.id = fans.run
WHERE fans.memory = (SELECT memory FROM fans WHERE id = :fan) AND fans.id <> :fan AND runs.status = 'running';

-- name: memories
-- All memories.
SELECT id, pipeline, step FROM memories ORDER BY pipeline, step;

-- name: memory_size
-- How many inputs are remembered of a step.
SELECT count(*) AS size FROM remembered WHERE memory = :memory;

-- name: remember
-- Note that an input is done, and by which run first.
INSERT OR IGNORE INTO remembered (memory, digest, run) VALUES (:memory, :digest, :run);

-- name: remember_fan
-- Note all that a fan-out did before it was to be remembered.
INSERT OR IGNORE INTO remembered (memory, digest, run)
SELECT fans.memory, tasks.digest, fans.run FROM fans JOIN tasks ON tasks.fan = fans.id
WHERE fans.id = :fan AND tasks.ending = 'e' AND tasks.exit_status = 0 AND tasks.digest IS NOT NULL;

-- name: remembered
-- Whether another run has done an input.
SELECT 1 FROM remembered WHERE memory = :memory AND digest = :digest AND run <> :run;

-- name: forget_some
-- Forget some of the inputs of a step.
DELETE FROM remembered WHERE (memory, digest) IN
    (SELECT memory, digest FROM remembered WHERE memory = :memory LIMIT :limit);

-- name: set_task
-- Record the end of a task. The newest one stays, and a success for ever.
INSERT INTO tasks (fan, task, attempt, number, digest, slot, ending, exit_status, signal, began_us, wall_us, cpu_us,
                   peak_memory, stdout_bytes, stderr_bytes, place)
VALUES (:fan, :task, :attempt, :number, :digest, :slot, :ending, :exit_status, :signal, :began_us, :wall_us, :cpu_us,
        :peak_memory, :stdout_bytes, :stderr_bytes, :place)
ON CONFLICT (fan, task) DO UPDATE SET
    attempt = excluded.attempt, number = excluded.number, digest = excluded.digest, slot = excluded.slot,
    ending = excluded.ending, exit_status = excluded.exit_status, signal = excluded.signal,
    began_us = excluded.began_us, wall_us = excluded.wall_us, cpu_us = excluded.cpu_us,
    peak_memory = excluded.peak_memory, stdout_bytes = excluded.stdout_bytes, stderr_bytes = excluded.stderr_bytes,
    place = excluded.place
WHERE NOT (tasks.ending = 'e' AND tasks.exit_status = 0)
    AND ((excluded.ending = 'e' AND excluded.exit_status = 0)
         OR (excluded.attempt, excluded.number) > (tasks.attempt, tasks.number));

-- name: set_task_words
-- Record what is said of a task that did not succeed, if that end is the one which was recorded.
INSERT OR REPLACE INTO task_words (fan, task, reason, last_line)
SELECT fan, task, :reason, :last_line FROM tasks
WHERE fan = :fan AND task = :task AND attempt = :attempt AND number = :number
    AND NOT (ending = 'e' AND exit_status = 0);

-- name: delete_task_words
-- Forget what was said of a task that has succeeded since.
DELETE FROM task_words WHERE fan = :fan AND task = :task;

-- name: task_block
-- Which tasks of a block have succeeded.
SELECT done FROM task_blocks WHERE fan = :fan AND block = :block;

-- name: set_task_block
-- Record which tasks of a block have succeeded.
INSERT INTO task_blocks (fan, block, done) VALUES (:fan, :block, :done)
ON CONFLICT (fan, block) DO UPDATE SET done = excluded.done;

-- name: task_blocks
-- Which tasks of a fan-out have succeeded.
SELECT block, done FROM task_blocks WHERE fan = :fan ORDER BY block;

-- name: set_archive
-- Record up to where the ends in an archive are rows.
INSERT INTO fan_archives (fan, attempt, slot, read_to) VALUES (:fan, :attempt, :slot, :read_to)
ON CONFLICT (fan, attempt, slot) DO UPDATE SET read_to = max(read_to, excluded.read_to);

-- name: archives
-- Up to where the ends in the archives of a fan-out are rows.
SELECT attempt, slot, read_to FROM fan_archives WHERE fan = :fan;

-- name: highest_task
-- The highest task of a fan-out that has ended.
SELECT max(task) AS highest FROM tasks WHERE fan = :fan;

-- name: unsuccessful_tasks
-- How the tasks stand that have ended and not succeeded, and how often they were tried.
SELECT task, number, ending FROM task_words CROSS JOIN tasks USING (fan, task) WHERE fan = :fan;

-- name: success_durations
-- How long the last tasks took that succeeded.
SELECT wall_us FROM tasks WHERE fan = :fan AND ending = 'e' AND exit_status = 0 ORDER BY task DESC LIMIT :limit;

-- name: task_endings
-- How many tasks ended unsuccessfully in which way.
SELECT ending, count(*) AS count FROM task_words CROSS JOIN tasks USING (fan, task) WHERE fan = :fan GROUP BY ending;

-- name: failures
-- What the failed tasks of a fan-out said, or else why they failed.
SELECT task, CASE last_line WHEN '' THEN reason ELSE last_line END AS words
FROM task_words CROSS JOIN tasks USING (fan, task) WHERE fan = :fan AND ending NOT IN ('x', 'l');

-- name: tasks_by_digest
-- The tasks that have ended, by what identifies their inputs.
SELECT digest, task FROM tasks WHERE fan = :fan AND digest IS NOT NULL ORDER BY digest, task;

-- name: tasks
-- A page of the tasks that have ended.
SELECT attempt, task, number, digest, slot, ending, exit_status, signal, began_us, wall_us, cpu_us, peak_memory,
       stdout_bytes, stderr_bytes, place, coalesce(reason, '') AS reason, coalesce(last_line, '') AS last_line
FROM tasks LEFT JOIN task_words USING (fan, task)
WHERE fan = :fan AND task > :after ORDER BY task LIMIT :limit;

-- name: failed_tasks
-- A page of the tasks that have ended and not succeeded.
SELECT attempt, task, number, digest, slot, ending, exit_status, signal, began_us, wall_us, cpu_us, peak_memory,
       stdout_bytes, stderr_bytes, place, coalesce(reason, '') AS reason, coalesce(last_line, '') AS last_line
FROM task_words CROSS JOIN tasks USING (fan, task)
WHERE fan = :fan AND task > :after ORDER BY task LIMIT :limit;

-- name: task
-- The newest end of one task.
SELECT attempt, task, number, digest, slot, ending, exit_status, signal, began_us, wall_us, cpu_us, peak_memory,
       stdout_bytes, stderr_bytes, place, coalesce(reason, '') AS reason, coalesce(last_line, '') AS last_line
FROM tasks LEFT JOIN task_words USING (fan, task)
WHERE fan = :fan AND task = :task;

-- name: leases
-- All leases, by pool.
SELECT pool, item, share, run, step, slot, since FROM leases ORDER BY pool, id;

-- name: leases_of_pool
-- What of a pool is held, and by which runs.
SELECT item, share, run FROM leases WHERE pool = :pool;

-- name: leases_of_slot
-- What a slot holds.
SELECT pool, item FROM leases WHERE run = :run AND step = :step AND slot = :slot;

-- name: insert_lease
-- Record that a slot holds something; it is never a task (0) that does.
INSERT INTO leases (pool, item, share, run, step, slot, task, number, since)
VALUES (:pool, :item, :share, :run, :step, :slot, 0, 0, :since);

-- name: delete_leases
-- Free what a run still held.
DELETE FROM leases WHERE run = :run;

-- name: delete_leases_of_step
-- Free what a step of a run still held.
DELETE FROM leases WHERE run = :run AND step = :step;

-- name: delete_leases_of_slot
-- Free what a slot held.
DELETE FROM leases WHERE run = :run AND step = :step AND slot = :slot;

-- name: lease_waits
-- Who waits for which pool, the longest first.
SELECT pool, run, step, since FROM lease_waits ORDER BY id;

-- name: lease_waits_of_pool
-- Who waits for a pool.
SELECT run, step FROM lease_waits WHERE pool = :pool;

-- name: lease_waits_of_step
-- For which pools a step waits.
SELECT pool FROM lease_waits WHERE run = :run AND step = :step;

-- name: insert_lease_wait
-- Record that a step waits for a pool.
INSERT INTO lease_waits (pool, run, step, since) VALUES (:pool, :run, :step, :since);

-- name: delete_lease_wait
-- A step waits no more for a pool.
DELETE FROM lease_waits WHERE pool = :pool AND run = :run AND step = :step;

-- name: delete_lease_waits
-- Forget for what a run waited.
DELETE FROM lease_waits WHERE run = :run;

-- name: delete_lease_waits_of_step
-- Forget for what a step of a run waited.
DELETE FROM lease_waits WHERE run = :run AND step = :step;

-- name: put_aside
-- What a step does without.
SELECT pool, item FROM put_aside WHERE run = :run AND step = :step ORDER BY pool, item;

-- name: insert_put_aside
-- Record that a step does without an item.
INSERT OR IGNORE INTO put_aside (run, step, pool, item) VALUES (:run, :step, :pool, :item);

-- name: delete_put_aside
-- Let a step have all items again.
DELETE FROM put_aside WHERE run = :run AND step = :step;

-- name: insert_firing
-- Record what became of slot times; fails when one that began a run is there already.
INSERT INTO firings (pipeline, entry, slot_time, until, count, fate, run, blocker, reason, at)
VALUES (:pipeline, :entry, :slot_time, :until, :count, :fate, :run, :blocker, :reason, :at);

-- name: newest_firing
-- The row about the latest slot times of an entry.
SELECT * FROM firings WHERE pipeline = :pipeline AND entry = :entry ORDER BY slot_time DESC, id DESC LIMIT 1;

-- name: lengthen_firing
-- Let a row be about more slot times.
UPDATE firings SET until = :until, count = count + :count, at = :at WHERE id = :id;

-- name: end_queued
-- A slot time waits no longer.
DELETE FROM firings WHERE pipeline = :pipeline AND entry = :entry AND slot_time = :slot_time AND fate = 'queued';

-- name: firing
-- What became of one slot time; a row about it alone before one about several.
SELECT * FROM firings WHERE pipeline = :pipeline AND entry = :entry AND slot_time <= :slot_time AND until >= :slot_time
ORDER BY run IS NULL, count, id DESC LIMIT 1;

-- name: scheduled_firing
-- What a schedule has made of one slot time; what a person had run of it is something else.
SELECT id FROM firings WHERE pipeline = :pipeline AND entry = :entry AND slot_time <= :slot_time AND until >= :slot_time
AND fate NOT IN ('back-filled', 'repeated') LIMIT 1;

-- name: run_of_slot
-- The run that a slot time has begun.
SELECT run FROM firings WHERE pipeline = :pipeline AND entry = :entry AND slot_time = :slot_time AND run IS NOT NULL;

-- name: firing_of_run
-- The slot time that began a run.
SELECT * FROM firings WHERE run = :run;

-- name: firings
-- What became of slot times, the latest first.
SELECT * FROM firings WHERE until >= :since ORDER BY slot_time DESC, id DESC LIMIT :limit;

-- name: firings_of_pipeline
-- What became of the slot times of one pipeline, the latest first.
SELECT * FROM firings WHERE pipeline = :pipeline AND until >= :since ORDER BY slot_time DESC, id DESC LIMIT :limit;

-- name: firings_between
-- What became of the slot times of a pipeline from one moment to another, the earliest first.
SELECT * FROM firings WHERE pipeline = :pipeline AND slot_time <= :last AND until >= :first
ORDER BY slot_time, id LIMIT :limit;

-- name: last_begun
-- By pipeline, what was last begun by a schedule; a person's back-fills are not.
SELECT * FROM firings WHERE id IN (
    SELECT max(id) FROM firings WHERE fate IN ('ran', 'caught up') GROUP BY pipeline);

-- name: last_unbegun
-- By pipeline, what was last not begun by a schedule.
SELECT * FROM firings WHERE id IN (
    SELECT max(id) FROM firings WHERE fate IN ('skipped', 'missed', 'refused', 'could not begin') GROUP BY pipeline);

-- name: queued_firings
-- Which slot times wait, the earliest first.
SELECT * FROM firings WHERE pipeline = :pipeline AND fate = 'queued' ORDER BY slot_time, id;

-- name: delete_old_firings
-- Forget what is older than a moment and does not wait, and all but the newest rows of a pipeline.
DELETE FROM firings WHERE pipeline = :pipeline AND fate <> 'queued' AND (until < :before OR id <= (
    SELECT id FROM firings WHERE pipeline = :pipeline ORDER BY id DESC LIMIT 1 OFFSET :most));

-- name: schedule
-- Up to when the ledger knows of an entry that fires at these times, or (NULL) at any.
SELECT * FROM schedules WHERE pipeline = :pipeline AND entry = :entry
AND (:timing IS NULL OR timing IS NULL OR timing = :timing);

-- name: ledger_entries
-- Which pipelines and entries the ledger knows of.
SELECT pipeline, entry FROM schedules UNION SELECT DISTINCT pipeline, entry FROM firings ORDER BY pipeline, entry;

-- name: settle_schedule
-- Note up to when the ledger knows of an entry.
INSERT INTO schedules (pipeline, entry, since, settled, timing)
VALUES (:pipeline, :entry, :settled, :settled, :timing)
ON CONFLICT (pipeline, entry) DO UPDATE SET settled = excluded.settled, timing = excluded.timing,
since = CASE WHEN timing IS NULL OR timing = excluded.timing THEN since ELSE excluded.since END;

-- name: forget_schedule
-- Note that an entry is followed no more; its rows stay.
DELETE FROM schedules WHERE pipeline = :pipeline AND entry = :entry;

-- name: withdraw_firing
-- Forget a row that began no run.
DELETE FROM firings WHERE pipeline = :pipeline AND entry = :entry AND slot_time = :slot_time AND run IS NULL;

-- name: set_pause
-- Let a pipeline begin nothing by schedule.
INSERT OR REPLACE INTO pauses (pipeline, at, "by", why) VALUES (:pipeline, :at, :by, :why);

-- name: delete_pause
-- Let a pipeline begin runs by schedule again.
DELETE FROM pauses WHERE pipeline = :pipeline;

-- name: pauses
-- The pipelines that begin nothing.
SELECT * FROM pauses ORDER BY pipeline;

-- name: set_scheduler
-- Record the scheduler of this project.
INSERT OR REPLACE INTO scheduler (one, host, pid, began, seen, config_files, log_file)
VALUES (1, :host, :pid, :began, :seen, :config_files, :log_file);

-- name: scheduler
-- The scheduler of this project, the living one or the last.
SELECT * FROM scheduler;

-- name: insert_dispatch
-- Put an alert for a recipient into the outbox.
INSERT INTO dispatches (pipeline, kind, run, at, recipient_words, recipient, secrets, alert, state, due, tries, answer)
VALUES (:pipeline, :kind, :run, :at, :recipient_words, :recipient, :secrets, :alert, :state, :due, 0, '');

-- name: give_up_surplus
-- Of what waits for a recipient of a pipeline, let all but the newest wait no longer.
UPDATE dispatches SET state = 'given up', answer = :answer
WHERE state = 'waiting' AND pipeline = :pipeline AND recipient = :recipient AND id <= (
    SELECT id FROM dispatches WHERE state = 'waiting' AND pipeline = :pipeline AND recipient = :recipient
    ORDER BY id DESC LIMIT 1 OFFSET :most);

-- name: due_dispatches
-- What is to be tried now, the oldest first.
SELECT * FROM dispatches WHERE state = 'waiting' AND due <= :now ORDER BY id LIMIT :limit;

-- name: next_due
-- When something is to be tried next.
SELECT min(due) AS due FROM dispatches WHERE state = 'waiting';

-- name: set_dispatch
-- Record what came of a try.
UPDATE dispatches SET state = :state, due = :due, tries = :tries, answer = :answer, tried = :tried
WHERE id = :id AND state = 'waiting';

-- name: dispatches
-- The newest first.
SELECT * FROM dispatches WHERE :state IS NULL OR state = :state ORDER BY id DESC LIMIT :limit;

-- name: delete_old_dispatches
-- Forget what does not wait and is older than a moment, or behind so many newer ones.
DELETE FROM dispatches WHERE state <> 'waiting' AND (at < :before OR id <= (
    SELECT id FROM dispatches ORDER BY id DESC LIMIT 1 OFFSET :most));

-- name: troubles
-- What people have been told is wrong with a pipeline.
SELECT * FROM troubles WHERE pipeline = :pipeline;

-- name: delete_troubles
-- Forget what was wrong with a pipeline.
DELETE FROM troubles WHERE pipeline = :pipeline;

-- name: insert_trouble
-- Note what people have been told is wrong.
INSERT INTO troubles (pipeline, plight, since, told, count) VALUES (:pipeline, :plight, :since, :told, :count);

-- name: insert_haul
-- Make the memory of what a pipeline had from a place, unless it is there.
INSERT OR IGNORE INTO hauls (pipeline, remote) VALUES (:pipeline, :remote);

-- name: haul
-- Where it is remembered what a pipeline had from a place.
SELECT id FROM hauls WHERE pipeline = :pipeline AND remote = :remote;

-- name: remember_file
-- Note that a succeeded run has had a file.
INSERT OR IGNORE INTO hauled (haul, name, mark, run) VALUES (:haul, :name, :mark, :run);

-- name: hauled
-- All files that a pipeline had from a place.
SELECT name, mark FROM hauled JOIN hauls ON hauls.id = haul WHERE pipeline = :pipeline AND remote = :remote;

-- name: hauls
-- From where which pipelines had files.
SELECT pipeline, remote FROM hauls ORDER BY pipeline, remote;

-- name: haul_size
-- How many files a pipeline had from a place.
SELECT count(*) AS size FROM hauled WHERE haul = :haul;

-- name: forget_files
-- Forget some of the files that a pipeline had from a place.
DELETE FROM hauled WHERE (haul, name, mark) IN (SELECT haul, name, mark FROM hauled WHERE haul = :haul LIMIT :limit);

-- name: newest_beginning
-- When the newest run began.
SELECT max(began) FROM runs;

-- name: insert_lookout
-- Make the record of an entry that looks for new files, unless it is there.
INSERT OR IGNORE INTO lookouts (pipeline, entry, look) VALUES (:pipeline, :entry, 0);

-- name: begin_look
-- Give a look a number that no look has had.
UPDATE lookouts SET look = (SELECT max(look) + 1 FROM lookouts) WHERE pipeline = :pipeline AND entry = :entry;

-- name: lookout
-- How the looks of an entry go.
SELECT * FROM lookouts WHERE pipeline = :pipeline AND entry = :entry;

-- name: lookouts
-- How the looks of all entries go.
SELECT * FROM lookouts ORDER BY pipeline, entry;

-- name: lookout_of_look
-- The entry whose newest look this is.
SELECT id, pipeline FROM lookouts WHERE look = :look;

-- name: is_answered
-- Whether a run was begun for a file.
SELECT 1 FROM sightings JOIN answered_looks ON answered_looks.look = sightings.look
WHERE lookout = :lookout AND file = :file;

-- name: was_had
-- Whether a succeeded run of a pipeline has had a file from a place.
SELECT 1 FROM hauled JOIN hauls ON hauls.id = haul
WHERE pipeline = :pipeline AND remote = :remote AND name = :name AND mark = :mark;

-- name: sight
-- Note that a look has seen a file; the newest look counts, whatever an abandoned one still writes.
INSERT INTO sightings (lookout, file, look) VALUES (:lookout, :file, :look)
ON CONFLICT (lookout, file) DO UPDATE SET look = excluded.look WHERE look < excluded.look;

-- name: answer_look
-- Note that a run was begun for what a look found.
INSERT INTO answered_looks (look, run) VALUES (:look, :run);

-- name: end_look
-- Note how a look went.
UPDATE lookouts SET looked = :looked, files = :files, new = :new, failures = :failures,
failing_since = :failing_since, problem = :problem WHERE pipeline = :pipeline AND entry = :entry;

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

-- name: delete_leases
-- Free what a run still held.
DELETE FROM leases WHERE run = :run;

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
    stdout_bytes = :stdout_bytes, stderr_bytes = :stderr_bytes, survivors = :survivors
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
INSERT INTO requests (run, kind, "by", at) VALUES (:run, :kind, :by, :at);

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
WHERE pipeline = :pipeline AND step = :step AND ending = 'exited' AND exit_status = 0 ORDER BY id DESC LIMIT 20;

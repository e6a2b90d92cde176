-- Times are microseconds since 1970 UTC, structures are JSON, digests are hexadecimal.

CREATE TABLE experiments (
    name TEXT NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Other tables name a run by its sequence, which also says which of two was started last.
CREATE TABLE runs (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    experiment TEXT NOT NULL REFERENCES experiments (name),
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX runs_by_experiment ON runs (experiment, started_at, sequence);

CREATE TABLE params (
    run INTEGER NOT NULL REFERENCES runs (sequence),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
    run INTEGER NOT NULL REFERENCES runs (sequence),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

-- SQLite knows the infinities but stores NaN as NULL: a NULL value is a NaN.
CREATE TABLE metric_points (
    sequence INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (sequence),
    key TEXT NOT NULL,
    step INTEGER NOT NULL,
    value REAL,
    time INTEGER NOT NULL
) STRICT;
CREATE INDEX metric_points_by_step ON metric_points (run, key, step, sequence);

-- The point of the greatest step, and of those the last logged.
CREATE TABLE latest_metrics (
    run INTEGER NOT NULL REFERENCES runs (sequence),
    key TEXT NOT NULL,
    step INTEGER NOT NULL,
    value REAL,
    time INTEGER NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE dataset_versions (
    sequence INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    rows INTEGER NOT NULL,
    source TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    UNIQUE (name, fingerprint)
) STRICT;

CREATE TABLE run_inputs (
    run INTEGER NOT NULL REFERENCES runs (sequence),
    dataset TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (run, dataset, fingerprint),
    FOREIGN KEY (dataset, fingerprint) REFERENCES dataset_versions (name, fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_artifacts (
    run INTEGER NOT NULL REFERENCES runs (sequence),
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE models (
    name TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE model_versions (
    model TEXT NOT NULL REFERENCES models (name),
    number INTEGER NOT NULL,
    signature TEXT NOT NULL,
    architecture TEXT NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    run TEXT REFERENCES runs (id),
    code_revision TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (model, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_versions_by_run ON model_versions (run) WHERE run IS NOT NULL;

-- The place keeps the order in which the datasets were given.
CREATE TABLE version_datasets (
    model TEXT NOT NULL,
    number INTEGER NOT NULL,
    place INTEGER NOT NULL,
    dataset TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (model, number, place),
    FOREIGN KEY (model, number) REFERENCES model_versions (model, number),
    FOREIGN KEY (dataset, fingerprint) REFERENCES dataset_versions (name, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX version_datasets_by_dataset ON version_datasets (dataset, fingerprint);

CREATE TABLE aliases (
    model TEXT NOT NULL,
    alias TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (model, alias),
    FOREIGN KEY (model, number) REFERENCES model_versions (model, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE alias_changes (
    sequence INTEGER PRIMARY KEY,
    model TEXT NOT NULL REFERENCES models (name),
    alias TEXT NOT NULL,
    from_number INTEGER,
    to_number INTEGER,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT;
CREATE INDEX alias_changes_by_model ON alias_changes (model, sequence);

CREATE TABLE states (
    subject TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a sequence number is never used again.
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    evidence TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_subject ON events (subject, sequence);

PRAGMA application_id = 0x6d6c6f70; -- "mlop"
PRAGMA user_version = 1;

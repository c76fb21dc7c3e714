-- Whose credential the server accepted, and whose records who may send. Keyed hashes only: no credential is ever in the journal.

-- The principals of records that another's credential may send: one for which `same` is equal.
CREATE TABLE principal (
    principal BLOB PRIMARY KEY CHECK (length(principal) = 16),
    same      BLOB NOT NULL CHECK (length(same) = 16)
) STRICT, WITHOUT ROWID;

CREATE INDEX principal_same ON principal (same);

-- When the server last accepted a credential: by the wall clock, and by the boot's own, which nobody can set.
CREATE TABLE accepted_credential (
    credential  BLOB    PRIMARY KEY CHECK (length(credential) = 16),
    accepted_at INTEGER NOT NULL,
    boot_id     TEXT    NOT NULL,
    boot_s      REAL    NOT NULL,
    refused_at  INTEGER                                                   -- when it was refused since
) STRICT, WITHOUT ROWID;

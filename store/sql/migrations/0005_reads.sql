-- Reads through an outage: answers of the upstream that are remembered. They are expendable; records are not.

CREATE TABLE remembered (
    question       BLOB    NOT NULL CHECK (length(question) = 16),
    variant        BLOB    NOT NULL CHECK (length(variant) = 16),
    vary           TEXT    NOT NULL,
    status         INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    headers        BLOB    NOT NULL,
    body           BLOB    NOT NULL,
    size           INTEGER NOT NULL CHECK (size > 0),
    age_s          REAL    NOT NULL CHECK (age_s >= 0),
    fetched_at     INTEGER NOT NULL,
    fetched_boot   TEXT    NOT NULL,
    fetched_boot_s REAL    NOT NULL,
    expires_at     INTEGER NOT NULL,
    used_at        INTEGER NOT NULL,
    PRIMARY KEY (question, variant)
) STRICT;

CREATE INDEX remembered_used ON remembered (used_at);
CREATE INDEX remembered_expiring ON remembered (expires_at);

CREATE TABLE remembered_tally (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    answers INTEGER NOT NULL CHECK (answers >= 0),
    bytes   INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;

INSERT INTO remembered_tally (one, answers, bytes) VALUES (1, 0, 0);

CREATE TRIGGER remembered_is_tallied AFTER INSERT ON remembered
BEGIN
    UPDATE remembered_tally SET answers = answers + 1, bytes = bytes + NEW.size;
END;

CREATE TRIGGER remembered_is_tallied_anew AFTER UPDATE OF size ON remembered
BEGIN
    UPDATE remembered_tally SET bytes = bytes - OLD.size + NEW.size;
END;

CREATE TRIGGER remembered_is_forgotten AFTER DELETE ON remembered
BEGIN
    UPDATE remembered_tally SET answers = answers - 1, bytes = bytes - OLD.size;
END;

-- Which questions a record's content is an answer to: it is laid over the answers to them until the server shows it.
CREATE TABLE record_topic (
    topic  BLOB    NOT NULL CHECK (length(topic) = 16),
    number INTEGER NOT NULL REFERENCES record (number),
    PRIMARY KEY (topic, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX record_topic_of ON record_topic (number);

CREATE INDEX identity_of_person ON identity (real) WHERE real IS NOT NULL;

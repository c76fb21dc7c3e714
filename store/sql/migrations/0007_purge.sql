-- What was refused or given up is purged too, as what was delivered: nobody needs its content any more.

CREATE INDEX record_given_up ON record (settled_at) WHERE state IN ('refused', 'discarded') AND purged_at IS NULL;

DROP TRIGGER record_request_is_deleted;
CREATE TRIGGER record_request_is_deleted BEFORE DELETE ON record_request
WHEN NOT EXISTS (SELECT 1 FROM record r WHERE r.number = OLD.number AND r.state IN ('delivered', 'refused', 'discarded'))
BEGIN
    SELECT RAISE(ABORT, 'a request is kept until its record is closed');
END;

DROP TRIGGER record_revision_is_altered;
CREATE TRIGGER record_revision_is_altered BEFORE UPDATE ON record_revision
WHEN NEW.number <> OLD.number OR NEW.revision <> OLD.revision OR NEW.content <> OLD.content
  OR NEW.replaced_at <> OLD.replaced_at OR NEW.replaced_by <> OLD.replaced_by OR NEW.reason <> OLD.reason
  OR NOT (NEW.target = '' AND NEW.headers = x'' AND NEW.body = x'')
  OR NOT EXISTS (SELECT 1 FROM record r WHERE r.number = OLD.number AND r.state IN ('delivered', 'refused', 'discarded'))
BEGIN
    SELECT RAISE(ABORT, 'what was recorded is not altered');
END;

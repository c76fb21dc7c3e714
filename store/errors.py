"""
What may go wrong with the journal.

A class's docstring is its message: what happened, why, and what to do next. The words in braces are given when it is raised.
"""

from __future__ import annotations


class JournalError(Exception):
    """The journal cannot be used."""

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(" ".join((self.__doc__ or type(self).__name__).split()).format(**facts))


class KeyMissing(JournalError):
    """
    The journal {journal} exists, but its key does not: there is no file {key_file}.

    Without the key nobody can read what was recorded, and a new key would not open it. Put the key file back from its safe copy, or set
    DOSEKEEPER_STORE_KEY to the key's 64 hex digits; then run: dosekeeper check
    """


class KeyWrong(JournalError):
    """
    The key does not open the journal {journal}: it is another journal's key, or the file is damaged in every part.

    Nothing was changed. Keep both: move the key file (store.key_file) to another name, put this journal's own key there from its safe copy,
    or with: dosekeeper key import FILE (a key in DOSEKEEPER_STORE_KEY goes before the file). Whether it fits says: dosekeeper check
    """


class KeyMalformed(JournalError):
    """
    {source} holds no key: 64 hex digits are expected.

    Put the key back from its safe copy, then run: dosekeeper check
    """


class KeyUnfinished(KeyMalformed):
    """
    {source} holds no key, and there is no journal here that would need one.

    If a journal is to be put back here, put its key back first. Else delete the file: the next start makes a new key: dosekeeper serve
    """


class KeyExposed(JournalError):
    """
    Others on this computer may read the key file {key_file} (mode {mode:o}), and with it every record.

    Take their permission away: chmod 600 {key_file}
    """


class KeyUnusable(JournalError):
    """
    The key file {key_file} can be neither read nor made: {reason}.

    Give the user that dosekeeper runs as access to the file and its folder, then run: dosekeeper check
    """


class KeyAbsent(JournalError):
    """
    There is no key here: no file {key_file}, and no variable DOSEKEEPER_STORE_KEY.

    A copy is opened by the key of the journal that it was made from. Put that in place: dosekeeper key import FILE
    """


class KeyInPlace(JournalError):
    """
    Another key is in {key_file}. It is not overwritten: nobody could read any more what it opens.

    If nothing here needs it, move it away yourself; then run the same command again.
    """


class KeyNotOpened(JournalError):
    """
    {file} does not give up its key: {reason}.

    Nothing was changed. Compare with what was printed or written down, then run the same command again.
    """


class BackupFailed(JournalError):
    """
    No backup was made in {folder}: {reason}. Nothing half-made was left there.

    See that the folder is there, can be written by the user that the service runs as, and has room; then run: dosekeeper backup FOLDER
    """


class BackupUnfit(JournalError):
    """
    {file} cannot be restored: {reason}.

    The present journal, if there is one, is as it was. Take another backup: dosekeeper restore FILE
    """


class ExchangeUnfinished(JournalError):
    """
    Another file was being put in the place of the journal {journal}, and the disk fails half-way: {reason}.

    Nothing is lost: leave the files beside it as they are, also {kept}. See to the disk; the next start ends it: dosekeeper serve
    """


class JournalInPlace(JournalError):
    """
    There is a journal already: {journal} ({size} bytes). It was left as it is.

    To put the copy in its place, add --replace: the present journal is then set aside under another name, not deleted.
    """


class JournalNewer(JournalError):
    """
    The journal was written by a newer dosekeeper: its version is {found}, this one knows up to {known}.

    Nothing was changed. Install the newer dosekeeper again, then run: dosekeeper check
    """


class JournalLocked(JournalError):
    """
    The journal {journal} is in use by {holder}; one process at a time may have it open.

    {advice}
    """


class JournalForbidden(JournalError):
    """
    {what}: {why}.

    Next: {advice}
    """


class JournalUnreadable(JournalError):
    """
    The journal {journal} cannot be read: {reason}.

    The file is left as it is: keep it. Check the disk and the file's permissions, then run: dosekeeper check
    """


class JournalDamaged(JournalError):
    """
    The journal {journal} is damaged, and is being put right. Nothing of this request was kept.

    That takes seconds. What was found, and what becomes of it: dosekeeper status
    """


class JournalNotMended(JournalDamaged):
    """
    The journal {journal} is damaged, and was not put right: {reason}. Nothing of this request was kept.

    It is tried again after a minute. What to do meanwhile: docs/runbook.md, "status says Damage"
    """


class JournalUnwritable(JournalError):
    """
    The journal {journal} could not be written: {reason}. Nothing of this write was kept.

    Check free space and permissions of its folder, then run: dosekeeper check
    """


class JournalInDoubt(JournalError):
    """
    The journal {journal} could not be written: {reason}. Whether this write was kept is not certain until the next one is.

    Look again before you repeat it. The disk is failing: dosekeeper status says what to do.
    """


class IdsUsedUp(JournalError):
    """
    All provisional ids of this centre were given out in the last {days} days, and none may be given to somebody else yet.

    Walk-ins can be registered while the server is up. Give this centre another centre.number, then start dosekeeper again.
    """


class JournalRefused(JournalError):
    """
    The journal refused an impossible row or transition: {reason}. Nothing of this write was kept.

    This is an error in dosekeeper: report it with the log.
    """

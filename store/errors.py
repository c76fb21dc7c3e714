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

    Nothing was changed. Put the right key file in place (or set DOSEKEEPER_STORE_KEY), then run: dosekeeper check
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


class JournalUnwritable(JournalError):
    """
    The journal {journal} could not be written: {reason}. Nothing of this write was kept.

    Check free space and permissions of its folder, then run: dosekeeper check
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

"""Where a command acts: through the running service, else by itself on the journal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from proxy.cli.admin import running_service
from proxy.cli.failing import Failed, Misconfigured

if TYPE_CHECKING:
    from proxy.operations.centre import Centre
    from proxy.settings import Settings

T = TypeVar("T")


def ask(settings: Settings, name: str, asked: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
    """
    Return what the operation *name* of `proxy.operations` answers.

    Raises:
        Failed: it cannot be done; the message says what to do instead.
        Misconfigured: the profile cannot be used.
    """
    service = running_service(settings)
    return asyncio.run(directly(settings, name, asked)) if service is None else service.ask(name, asked)


async def directly(settings: Settings, name: str, asked: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
    """Do the operation on the journal, which no service has open. Raises as `ask`."""
    from proxy.operations.catalogue import ACTS

    given = {member: value for member, value in asked.items() if value not in (None, ())}
    return await on_journal(settings, lambda centre: ACTS[name](centre, given))


async def on_journal(settings: Settings, act: Callable[[Centre], Awaitable[T]]) -> T:
    """Do *act* on the centre as its journal tells of it, which no service has open. Raises as `ask`."""
    from proxy import logs
    from proxy.document import DocumentError
    from proxy.operations.centre import Centre
    from proxy.operations.errors import InTheWay, NotThere, Unfit
    from proxy.profiles.load import load_profile
    from proxy.traffic.active_profile import ActiveProfile
    from proxy.traffic.clock import Clock
    from proxy.traffic.persons import persons_of
    from store.errors import JournalError
    from store.file.lock import Role
    from store.journal import open_journal

    require_journal(settings)
    logs.quiet()
    try:
        profile = load_profile(settings.profile, Path())
        journal = await open_journal(settings.store.path, settings.store.key_file, os.environ, Role.CLI)
        try:
            clock = Clock()
            await journal.settle_in(clock.wall())
            persons = persons_of(settings, ActiveProfile(profile), journal)
            return await act(Centre(journal, clock, persons))
        finally:
            await journal.close()
    except DocumentError as error:
        raise Misconfigured(str(error)) from None
    except JournalError as error:
        raise Failed(in_words(settings, error)) from None
    except (InTheWay, NotThere, Unfit) as error:
        raise Failed(str(error)) from None


def require_journal(settings: Settings) -> None:
    """Raise Failed where there is no journal: a command does not begin one."""
    if not settings.store.path.exists():
        raise Failed(f"There is no journal {settings.store.path}; the service begins it at its first start. Start it: dosekeeper serve")


def in_words(settings: Settings, error: Exception) -> str:
    """Return what *error* says to a command that found no admin port: where a service may have the journal, that too."""
    from store.errors import JournalLocked

    if not isinstance(error, JournalLocked):
        return str(error)
    port = f"{settings.admin.host} port {settings.admin.port}"
    return f"{error}\nIf it is a service: its admin port did not answer on {port}; its log says why, and it goes on trying."

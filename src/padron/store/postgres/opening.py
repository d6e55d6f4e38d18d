"""Opens the store that fits the server: one database, or one that Citus spreads over several nodes."""

from typing import NoReturn

from padron.domain.errors import Code, PadronError
from padron.domain.trouble import TroubleCode, TroubledError
from padron.store.base import Store
from padron.store.postgres.cluster.store import ClusterStore
from padron.store.postgres.engine import STALE_S_MAX, PostgresStore
from padron.store.postgres.explaining import explain


async def open_store(url: str, read_url: str | None = None, stale_s_max: float = STALE_S_MAX) -> PostgresStore:
    """Open a database whose schema is up to date. Raises ``schema_mismatch`` and ``store_unavailable``.

    With the URL of a replica, reads that may be some seconds behind go there. If the replica cannot be reached now,
    the store uses it as soon as it can be reached.
    """
    store = PostgresStore(url, read_url, stale_s_max)
    try:
        if await store.is_cluster():
            store = await _turn_to_cluster(store, url, read_url)
        await store.check_answer()  # a standby will do for a command that only reads
        await store.prepare()
    except BaseException as error:
        await store.close()
        explained = explain(url, error) if isinstance(error, Exception) else None
        if explained is None:
            raise
        raise explained from error
    return store


async def explain_use(store: Store, url: str, error: Exception) -> PadronError | None:
    """Give a clearer error for one raised while a command used the database; None if it is clear already."""
    is_lost = isinstance(error, TroubledError) and error.trouble.code is TroubleCode.DATABASE_UNREACHABLE
    if is_lost and isinstance(store, ClusterStore) and (lost := await store.list_lost_nodes()):
        named = f"node {lost[0]} of the cluster does" if len(lost) == 1 else f"nodes {', '.join(lost)} do"
        detail = f"The {named} not answer, and this command needs it. Start it, and run the command again."
        return PadronError(Code.STORE_UNAVAILABLE, detail)
    return explain(url, error)


async def check_replica(url: str) -> None:
    """Raise ``store_unavailable`` when the database is a cluster, which can have no replica for reads."""
    store = PostgresStore(url)
    try:
        if await store.is_cluster():
            _refuse_replica()
    finally:
        await store.close()


async def _turn_to_cluster(store: PostgresStore, url: str, read_url: str | None) -> ClusterStore:
    if read_url is not None:
        _refuse_replica()
    await store.close()
    return ClusterStore(url)


def _refuse_replica() -> NoReturn:
    raise PadronError(
        Code.STORE_UNAVAILABLE,
        "The database is a cluster, and a copy of one of its nodes has only that node's accounts. "
        "Leave out --read-database-url (PADRON_READ_DATABASE_URL).",
    )

"""Which database URLs are well-formed, and what is said of one that is not: never a part of its password."""

from time import perf_counter

import pytest

from padron.config import SettingsError, hide_passwords, read_settings
from padron.store.postgres.connection import split_hosts
from padron.store.postgres.explaining import parse_address
from tests.tables import each_row

ENCODE = "has a special character in the user name or the password. Write these characters percent-encoded: @ as %40"
HOSTS = "with each host as HOST, HOST:PORT or [IPv6]:PORT"


@each_row(
    "url",
    [
        "postgresql://u@h1:5432,h2:5433/db",
        "postgres://u:p@h1,h2,h3/db?target_session_attrs=read-write",
        "postgresql://h1:5432,h2/db",
        "postgresql://u@[::1]:5432,[fe80::1%25eth0]/db",
        "postgresql:///db",
        "postgresql://",
        "postgresql:///db?host=/run/postgresql&user=me@example",
        "postgresql://u:p%40ss%2Fw%3A@h/db",
        "postgresql://u:p:w@h/db",
        "postgresql://u:ñandú@h/db",
        "postgresql://u@%2Frun%2Fpostgresql/db",
        "postgresql://u@h:5432",
        "postgresql://u@h/db?host=h1,h2&port=1,2",
        "sqlite:///padron.db",
        "sqlite:////var/lib/padrón.db",
    ],
)
def test_a_url_is_taken(url: str) -> None:
    assert read_settings({"PADRON_DATABASE_URL": url}).database_url == url


@each_row(
    "url, said",
    [
        ("postgresql://u:hu@sh@h/db", ENCODE),
        ("postgresql://u:hu/sh@h/db", ENCODE),
        ("postgresql://u:hu?sh@h/db", ENCODE),
        ("postgresql://u:hu#sh@h/db", ENCODE),
        ("postgresql://u:hu[sh@h/db", ENCODE),
        ("postgresql://u:hu]sh@h/db", ENCODE),
        ("postgresql://u:@hush@@h/db", ENCODE),
        ("postgresql://me@corp:hush@h/db", ENCODE),
        ("postgresql://u:123/hush@h/db", ENCODE),
        ("postgresql://u:hush%@h/db", "has a % that does not begin a percent-encoded character"),
        ("postgresql://u:hush%zz@h/db", "has a % that does not begin a percent-encoded character"),
        ("postgresql://u:hush/db", HOSTS),
        ("postgresql://u@h:port/hush", HOSTS),
        ("postgresql://u@h:0/hush", HOSTS),
        ("postgresql://u@h:65536/hush", HOSTS),
        ("postgresql://u@h1:5432,h2:hush/db", HOSTS),
        ("postgresql://u@h1,,h2/hush", HOSTS),
        ("postgresql://u@h1,/hush", HOSTS),
        ("postgresql://u@:5432/hush", HOSTS),
        ("postgresql://u@::1/hush", HOSTS),
        ("postgresql://u@[::1/hush", HOSTS),
        ("postgresql://u@" + ",".join(["h"] * 17) + "/hush", HOSTS),
        ("postgresql://u@h/hush?sslmode", "has wrong parameters: write NAME=VALUE after the ?"),
        ("postgresql://u@h/db\nhush", "is not a database URL"),
        ("postgres:u@h/hush", "is not a database URL"),
    ],
)
def test_a_url_that_is_not_well_formed_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"PADRON_DATABASE_URL": url})
    assert str(caught.value).startswith("PADRON_DATABASE_URL ")
    assert said in str(caught.value)
    assert "hu" not in str(caught.value).replace("such", "").replace("hush%", "")


def test_a_url_has_one_for_each_host() -> None:
    assert split_hosts("postgresql://u:p@h1:5432,[::1]:5433,h3/db?x=1") == [
        "postgresql://u:p@h1:5432/db?x=1", "postgresql://u:p@[::1]:5433/db?x=1", "postgresql://u:p@h3/db?x=1",
    ]  # fmt: skip
    for url in ("postgresql:///db?host=a,b", "postgresql://u@h/db", "postgresql://"):
        assert split_hosts(url) == [url]


@pytest.mark.parametrize(
    "url, hosts, user, database, has_password",
    [
        ("postgresql://u@h/db", (("h", "5432"),), "u", "db", False),
        ("postgresql://u:p@h:1,g/db", (("h", "1"), ("g", "5432")), "u", "db", True),
        ("postgresql://%C3%B1:@h/base%20uno", (("h", "5432"),), "ñ", "base uno", False),
        ("postgresql:///db?host=/run/x&user=u", (("/run/x", "5432"),), "u", "db", False),
        ("postgresql://u@[::1]:7/", (("::1", "7"),), "u", "u", False),
        ("postgresql://u@%2Frun%2Fx/db?password=p", (("/run/x", "5432"),), "u", "db", True),
        ("postgresql://u@/db?host=a,b&port=1,2", (("a", "1"), ("b", "2")), "u", "db", False),
    ],
)
def test_a_url_leads_where_libpq_would_go(
    monkeypatch: pytest.MonkeyPatch, url: str, hosts: object, user: str, database: str, has_password: object
) -> None:
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD"):
        monkeypatch.delenv(name, raising=False)
    address = parse_address(url)
    assert (address.hosts, address.user, address.database) == (hosts, user, database)
    assert address.has_password is has_password


@each_row(
    "text, hidden",
    [
        ("postgresql://u:hush@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:hu/sh@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:hu@sh@h/db no", "postgresql://u:***@h/db no"),
        ("x?password=hush&y=1", "x?password=***&y=1"),
        ("http://h:80/path", "http://h:80/path"),
    ],
)
def test_a_password_is_hidden_in_any_text(text: str, hidden: str) -> None:
    assert hide_passwords(text) == hidden


def test_hiding_passwords_takes_no_longer_for_a_text_made_for_that() -> None:
    began = perf_counter()
    for unit in ("://:", "://a:", "password=", ":", "://" + "a" * 50):
        hide_passwords(unit * (60_000 // len(unit)))
    assert perf_counter() - began < 2

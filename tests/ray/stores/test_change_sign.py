"""The sign that something was written: moves with every foreign commit, absent where a database has none."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from cluster.change_sign import ChangeSign
from cluster.database import open_database


def test_it_moves_with_every_commit_of_others_and_only_then(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    sign, writer = ChangeSign(open_database(url)), open_database(url)
    with writer.begin() as connection:
        connection.execute(text("CREATE TABLE seen (number INTEGER)"))
    before = sign.value()
    assert before is not None
    assert sign.value() == before
    with writer.connect() as connection:
        connection.execute(text("INSERT INTO seen VALUES (1)"))
        assert sign.value() == before, "not committed yet"
        connection.rollback()
    assert sign.value() == before
    seen = {before}
    for number in range(3):
        with writer.begin() as connection:
            connection.execute(text("INSERT INTO seen VALUES (:number)"), {"number": number})
        seen.add(sign.value() or -1)
    assert len(seen) == 4


def test_a_commit_through_the_same_engine_moves_it_as_well(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'shop.db'}")
    sign = ChangeSign(engine)
    before = sign.value()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE seen (number INTEGER)"))
    assert sign.value() != before


def test_a_broken_connection_gives_no_sign_and_is_opened_again(tmp_path: Path) -> None:
    sign = ChangeSign(open_database(f"sqlite:///{tmp_path / 'shop.db'}"))
    before = sign.value()
    sign._connection.close()
    assert sign.value() is None
    assert sign.value() not in (before, None), "something may have been written meanwhile"


def test_postgresql_has_no_such_sign(postgres_url: str) -> None:
    engine = open_database(postgres_url)
    assert ChangeSign(engine).value() is None
    engine.dispose()

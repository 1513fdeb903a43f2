"""The observations that were seen, in SQLite."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Engine, String, create_engine, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from weather_report.model import Observation


class _Base(DeclarativeBase):
    pass


class _Row(_Base):
    __tablename__ = "observation"

    station: Mapped[str] = mapped_column(String, primary_key=True)
    at: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(String, index=True)
    temperature: Mapped[float]
    precipitation: Mapped[float]
    wind: Mapped[float]


class Archive:
    """A database of observations; one that comes again replaces the earlier one."""

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        url = "sqlite://" if path is None else f"sqlite:///{path}"
        self._engine: Engine = create_engine(url)
        _Base.metadata.create_all(self._engine)

    def add(self, observations: Iterable[Observation]) -> int:
        """Keeps observations and returns how many there were."""
        rows = [
            {
                "station": o.station,
                "at": int(o.at.timestamp()),
                "day": o.at.date().isoformat(),
                "temperature": o.temperature,
                "precipitation": o.precipitation,
                "wind": o.wind,
            }
            for o in observations
        ]
        if rows:
            statement = insert(_Row)
            values = ("day", "temperature", "precipitation", "wind")
            statement = statement.on_conflict_do_update(
                index_elements=["station", "at"],
                set_={name: statement.excluded[name] for name in values},
            )
            with Session(self._engine) as session, session.begin():
                session.execute(statement, rows)
        return len(rows)

    def day(self, day: date) -> list[Observation]:
        """What was observed on a day, as each station counts days; by station, then by time."""
        query = select(_Row).where(_Row.day == day.isoformat()).order_by(_Row.station, _Row.at)
        with Session(self._engine) as session:
            return [
                Observation(
                    station=row.station,
                    at=datetime.fromtimestamp(row.at, UTC),
                    temperature=row.temperature,
                    precipitation=row.precipitation,
                    wind=row.wind,
                )
                for row in session.scalars(query)
            ]

    def close(self) -> None:
        """Lets the file go; Windows deletes none that is open."""
        self._engine.dispose()

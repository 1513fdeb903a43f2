from datetime import date
from pathlib import Path

from typer.testing import CliRunner

from weather_report.archive import Archive
from weather_report.cli import app
from weather_report.model import Observation


def test_show_prints_what_was_kept(database: Path, observations: list[Observation]) -> None:
    archive = Archive(database)
    archive.add(observations)
    assert archive.add(observations) == 48
    assert len(archive.day(date(2024, 12, 6))) == 48
    archive.close()

    result = CliRunner().invoke(app, ["show", "2024-12-06"])
    assert result.exit_code == 0, result.output
    assert "Lisbon" in result.output and "Reykjavik" in result.output

    page = CliRunner().invoke(app, ["show", "2024-12-06", "--html"])
    assert page.output.startswith("<!DOCTYPE html>")


def test_an_unknown_day_is_an_error(database: Path) -> None:
    result = CliRunner().invoke(app, ["show", "2024-12-07"])
    assert result.exit_code == 1
    assert "fetch it first" in result.output
    assert database.exists()

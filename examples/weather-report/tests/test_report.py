from datetime import date

from rich.console import Console

from weather_report.model import Observation
from weather_report.report import as_page, as_table, summarise
from weather_report.settings import Units


def test_a_day_is_summarised_by_station(observations: list[Observation]) -> None:
    lisbon, reykjavik = summarise(observations)
    assert (lisbon.station, lisbon.hours) == ("Lisbon", 24)
    assert (lisbon.coldest, lisbon.mean, lisbon.warmest) == (8.0, 19.5, 31.0)
    assert (reykjavik.precipitation, reykjavik.strongest_wind) == (2.0, 33.0)


def test_both_unit_systems_are_printed(day: date, observations: list[Observation]) -> None:
    summaries = summarise(observations)
    console = Console(width=100)
    with console.capture() as capture:
        console.print(as_table(day, summaries, Units.METRIC))
        console.print(as_table(day, summaries, Units.IMPERIAL))
    text = capture.get()
    assert "19.5" in text and "67.1" in text
    assert "km/h" in text and "mph" in text


def test_a_page_escapes_names(day: date, observations: list[Observation]) -> None:
    strange = [o.model_copy(update={"station": "<b>"}) for o in observations]
    page = as_page(day, summarise(strange), Units.METRIC)
    assert "&lt;b&gt;" in page and "<b>" not in page

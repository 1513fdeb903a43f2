"""From a day's observations to a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from rich.table import Table

from weather_report.model import Observation
from weather_report.settings import Units


@dataclass(frozen=True, slots=True)
class Summary:
    """One station's day."""

    station: str
    hours: int
    coldest: float
    mean: float
    warmest: float
    precipitation: float
    strongest_wind: float


def summarise(observations: Sequence[Observation]) -> list[Summary]:
    """One summary for each station, by name."""
    by_station = sorted(observations, key=lambda o: o.station)
    return [
        _summary(station, list(hours))
        for station, hours in groupby(by_station, key=lambda o: o.station)
    ]


def _summary(station: str, hours: Sequence[Observation]) -> Summary:
    values = np.array([(o.temperature, o.precipitation, o.wind) for o in hours], dtype=np.float64)
    temperature, precipitation, wind = values.T
    return Summary(
        station=station,
        hours=len(hours),
        coldest=float(temperature.min()),
        mean=float(temperature.mean()),
        warmest=float(temperature.max()),
        precipitation=float(precipitation.sum()),
        strongest_wind=float(wind.max()),
    )


def _columns(units: Units) -> list[tuple[str, str]]:
    if units is Units.IMPERIAL:
        return [
            ("Low", "°F"),
            ("Mean", "°F"),
            ("High", "°F"),
            ("Rain", "in"),
            ("Wind", "mph"),
        ]
    return [
        ("Low", "°C"),
        ("Mean", "°C"),
        ("High", "°C"),
        ("Rain", "mm"),
        ("Wind", "km/h"),
    ]


def _values(summary: Summary, units: Units) -> list[str]:
    temperatures = [summary.coldest, summary.mean, summary.warmest]
    rain, wind = summary.precipitation, summary.strongest_wind
    if units is Units.IMPERIAL:
        temperatures = [t * 9 / 5 + 32 for t in temperatures]
        return [
            *(f"{t:.1f}" for t in temperatures),
            f"{rain / 25.4:.2f}",
            f"{wind / 1.609344:.0f}",
        ]
    return [*(f"{t:.1f}" for t in temperatures), f"{rain:.1f}", f"{wind:.0f}"]


def as_table(day: date, summaries: Sequence[Summary], units: Units) -> Table:
    """The report for a terminal."""
    table = Table(title=f"Weather of {day.isoformat()}")
    table.add_column("Station")
    for name, unit in _columns(units):
        table.add_column(f"{name} {unit}", justify="right")
    for summary in summaries:
        table.add_row(summary.station, *_values(summary, units))
    return table


def as_page(day: date, summaries: Sequence[Summary], units: Units) -> str:
    """The report as a web page."""
    environment = Environment(
        loader=PackageLoader("weather_report"),
        autoescape=select_autoescape(),
        trim_blocks=True,
    )
    return environment.get_template("report.html").render(
        day=day.isoformat(),
        columns=_columns(units),
        rows=[(s.station, _values(s, units)) for s in summaries],
    )

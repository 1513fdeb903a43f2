"""The command line."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from weather_report.archive import Archive
from weather_report.fetch import fetch_day
from weather_report.model import load_stations
from weather_report.report import as_page, as_table, summarise
from weather_report.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Daily weather reports.")

StationsFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]
Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"])]


@app.command()
def stations(file: StationsFile) -> None:
    """List the stations of a file."""
    for station in load_stations(file):
        typer.echo(f"{station.name}: {station.latitude}, {station.longitude} ({station.timezone})")


@app.command()
def fetch(file: StationsFile, day: Day) -> None:
    """Fetch a day's observations and keep them."""
    settings = Settings()
    archive = Archive(settings.database)
    try:
        with httpx.Client(timeout=30) as client:
            for station in load_stations(file):
                kept = archive.add(fetch_day(client, settings.endpoint, station, day.date()))
                typer.echo(f"{station.name}: {kept} hours")
    finally:
        archive.close()


@app.command()
def show(day: Day, html: Annotated[bool, typer.Option(help="Print a web page.")] = False) -> None:
    """Print the report of a day."""
    settings = Settings()
    archive = Archive(settings.database)
    try:
        summaries = summarise(archive.day(day.date()))
    finally:
        archive.close()
    if not summaries:
        typer.echo(f"nothing is known of {day.date()}: fetch it first", err=True)
        raise typer.Exit(1)
    if html:
        typer.echo(as_page(day.date(), summaries, settings.units))
    else:
        Console().print(as_table(day.date(), summaries, settings.units))

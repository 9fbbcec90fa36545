"""The report of a run: summary (data), then charts (SVG), then the page."""

from recusa.report.write import write_report

__all__ = ["write_report"]

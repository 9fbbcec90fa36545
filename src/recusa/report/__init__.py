"""The report of a run: summary (data), then charts (SVG), then the page."""

from recusa.report.write import is_current, write_report

__all__ = ["is_current", "write_report"]

"""The report: one HTML file that tells a run's story from what is in its folder."""

from muslin.reports.build import build_report, report_path

__all__ = ["build_report", "report_path"]

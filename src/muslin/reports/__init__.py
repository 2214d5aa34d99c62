"""The report: one self-contained HTML file about a run, built from the run folder."""

from muslin.reports.build import build_report, report_path

__all__ = ["build_report", "report_path"]

"""The report on an accelerator: one self-contained HTML file.

from hw_bnn.report import report
report("accelerator", "report.html")
"""

from .accelerator_report import report

__all__ = ["report"]

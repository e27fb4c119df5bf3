"""What people and machines see of a run: report, live page, metrics."""

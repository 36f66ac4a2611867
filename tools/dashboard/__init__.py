"""The dashboard: boards declared in dashboard/boards, written as pages that need nothing else."""

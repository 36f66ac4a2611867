"""Is what was published believable? Suites of Great Expectations over the published marts.

dbt's own tests hold what must be true of every row. Here stands what is true of a healthy company
and of tables that belong together: shares, ranges, sums that must meet. The suites are YAML, one
file per subject, in suites/.
"""

import os

# before the first import of great_expectations, which calls home otherwise
os.environ["GX_ANALYTICS_ENABLED"] = "false"

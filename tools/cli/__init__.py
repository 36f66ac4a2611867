"""The command line of the first ten minutes: `./journey doctor`, `status`, `explain`.

main.py     what can be typed; exit codes; the one log
doctor.py   is everything there that a build needs?
status.py   what is published, of what, how fresh, how well tested?
explain.py  where does a number, a person, an error come from?
in_dbt.py   dbt in process: ask its macros, catch what it says
"""

"""Lists of records: made and changed (keeping), their members (members), what depends on them (using, telling), and
what is done to thousands in the background (working).
"""

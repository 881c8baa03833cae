"""The WSGI application gunicorn serves."""

import os

import django

from config.receiving import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)
application = Handler()

"""Forms on public pages: asked, answered, and made into contacts and events (FLT-23, FLT-25, EVT-03 to EVT-05)."""

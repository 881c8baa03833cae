"""Ads audiences: filled by workflows, told to ad networks as hashes (MKT-01, MKT-02)."""

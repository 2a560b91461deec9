"""Settings of the whole suite: Hypothesis draws the same examples in every run."""

from hypothesis import settings

settings.register_profile("dsmverify", derandomize=True, deadline=None)
settings.load_profile("dsmverify")

"""Trying a deployed service end to end, step by step; `nb smoke` puts the steps together."""

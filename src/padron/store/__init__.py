"""Keeps records and knows no rules. ``base`` is the interface. ``sqlite`` and ``postgres`` are the engines."""

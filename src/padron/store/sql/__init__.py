"""Prepares SQL for the engines: reads it from files, builds statements, and lists migrations."""

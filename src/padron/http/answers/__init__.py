"""Writes answers: bodies, files, errors and their compression."""

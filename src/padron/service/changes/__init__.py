"""The record as clients follow it: the feed, its cursors, the form of a change, and the watch for new ones."""

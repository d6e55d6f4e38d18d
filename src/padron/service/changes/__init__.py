"""The record as the outside follows it: the feed, its cursors, the form of a change, and the watch for new ones."""

"""The edge: takes requests from sockets within limits, and answers the most frequent ones itself."""

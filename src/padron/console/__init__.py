"""The web pages for the people of a fleet, below ``/console``. It calls the service, and knows no HTTP server."""

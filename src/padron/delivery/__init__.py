"""What goes out by itself: webhooks. Calls services; knows neither the API nor the database."""

"""Sends webhooks over HTTP. Calls services; knows neither the API nor the database."""

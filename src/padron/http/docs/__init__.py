"""What the API says of itself: the OpenAPI document, its examples, the pages and the guides."""

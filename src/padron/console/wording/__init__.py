"""What the pages say, in each language, and how numbers and instants are written."""

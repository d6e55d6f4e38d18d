"""What only operators do: to keys and to whole accounts."""

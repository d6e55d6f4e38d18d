"""Who is measured side by side: each in a small module of its own, behind the interface of ``base``."""

"""The command `padron`: operators use Padrón only through it. Its commands are imported when they are called."""

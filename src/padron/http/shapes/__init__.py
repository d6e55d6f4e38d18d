"""The wire format, a module for each noun: the shapes of bodies, in and out. camelCase, as documented."""

"""Storage: folders fetched from object stores and other far places, and brought there; a program of its own."""

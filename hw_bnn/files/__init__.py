"""Files: written whole or not at all, read strictly, and only where they belong."""

"""The jobs behind the doors: many files in, one record per file out; nothing here prints."""

"""Data sets: named ones, files of one's own, recordings, how they are divided and scaled."""

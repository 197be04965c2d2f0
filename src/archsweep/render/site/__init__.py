"""The dashboard: a folder of pages that works from anywhere. Reads nothing; gets a snapshot."""

"""Where models run: one file each, its name the file's name. Files with an underscore are shared."""

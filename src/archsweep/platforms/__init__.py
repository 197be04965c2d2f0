"""Where models run: one file each, its name the file's name. Files with an underscore are shared.

Beside what `contract.Platform` asks, a file may have `warm_up()`: imports that are worth making once, before any worker
is forked. It must leave no thread and no device open.
"""

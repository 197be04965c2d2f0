"""Every architecture: the catalog, what each is, its tiny model, inputs and reference. Knows no platform and no check."""

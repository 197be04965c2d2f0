"""Every architecture: catalog, taxonomy, tiny model, inputs, reference. Knows no platform and no check."""

"""From torch to exchange formats, for every platform that needs one. Knows no platform."""

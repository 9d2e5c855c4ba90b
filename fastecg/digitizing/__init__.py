"""From pictures back to millivolts: layers, scale, grid, layout, and signals by fitting the stroke of a pen; scores; training."""

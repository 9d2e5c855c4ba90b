"""From pictures back to millivolts: layers, scale, grid, layout, and signals by fitting the stroke of a pen; scores; training.

The stages and the values that they hand on are in "The way back" of ``docs/how-it-works.md``.
"""

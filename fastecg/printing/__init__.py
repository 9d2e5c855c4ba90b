"""How a page is printed flat: the millimetre grid, and type."""

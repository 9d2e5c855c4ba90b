"""The flat print of a page: the millimetre grid, and words."""

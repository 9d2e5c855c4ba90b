"""What the package asks of the operating system: cores, heap memory, files."""

"""Access to the operating system: cores, heap memory, files, interrupts."""

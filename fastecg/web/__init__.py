"""Web pages about pictures: rendered ones with their truth, and digitised ones to be corrected."""

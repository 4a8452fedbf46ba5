"""What is measured of control planes: pages, signals, verdict rules, scraping, history."""

"""Work that goes on in the background, and what is known of it."""

"""Everything a user can do, as data: name, title, key, danger, and what runs it."""

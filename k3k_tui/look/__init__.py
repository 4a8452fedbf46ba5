"""How things look: themes, colours by meaning, signs for terminals of every kind."""

"""What a form knows, without a widget in sight: its fields, a draft of values, their YAML and their problems."""

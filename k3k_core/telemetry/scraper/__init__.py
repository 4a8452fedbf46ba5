"""Reading the pages of many control planes at their pace."""

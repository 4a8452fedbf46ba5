"""Pictures of the dashboard: what is on the screen as SVG and PNG, without a terminal or a browser."""

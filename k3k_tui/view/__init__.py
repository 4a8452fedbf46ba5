"""What the screens show, as data: cells, columns, filters, orders and groups, without a widget in sight."""

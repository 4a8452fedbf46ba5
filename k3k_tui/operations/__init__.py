"""What can be done to control planes: dialogs first, then a job."""

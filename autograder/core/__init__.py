"""What right and wrong mean. Pure: no files, no notebook, no clock."""

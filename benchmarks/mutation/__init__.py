"""Power of the check, measured by mutation: single defects planted in correct graphs."""

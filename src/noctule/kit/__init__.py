"""The bottom of the house: clock, ids, money, paging, errors, log. Knows nothing of browsers or tags."""

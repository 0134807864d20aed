"""How things look to people: the columns of lists and the pages of single things."""

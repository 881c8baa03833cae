"""Who gets in where: every address there is, for every kind of person."""

"""What a review finds in a workflow as a whole, although each part of it can be published: mistakes to think about."""

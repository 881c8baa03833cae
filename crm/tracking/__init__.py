"""What websites and mails tell of visitors, and the contacts they turn out to be."""

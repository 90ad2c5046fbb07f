"""Any bytes, wherever bytes of others are read: an answer, or an error that we foresaw."""

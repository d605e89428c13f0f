"""The explorer: a read-only web server on loopback. Crawled pages are hostile; nothing of theirs runs and nothing of theirs is asked for."""

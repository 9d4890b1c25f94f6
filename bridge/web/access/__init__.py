"""Who may see the page and who may change something: password, sessions, allowed hosts."""

"""The machine's own keepers of programs: systemd, launchd. Texts are made apart from what is done with them."""

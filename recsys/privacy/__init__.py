"""What a shop keeps of people, for how long, under which names, and what it may tell of them all."""

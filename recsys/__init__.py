"""The pure domain of the recommender: no Ray, and torch only where it encodes or trains."""

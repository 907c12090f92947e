"""Fine-tuning the encoder on what shoppers did: pairs, losses, adaptation, one resumable loop."""

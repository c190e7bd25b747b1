"""Images: loading, transforms, one processor a family of checkpoints, and what models say made readable."""

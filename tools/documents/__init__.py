"""What keeps the documents in step with code and figures; see tools/README.md."""

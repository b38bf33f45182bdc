"""The Hub: checkpoints pushed, pulled, pinned and listed. Nothing that arrives from there is executed or unpickled."""

"""Rules as they once were. Nobody changes them: runs and merges name them, and `regroup` can still apply them."""

"""Reading with a language model: `steps` is what a profile says; all else is how it is asked, paid and understood."""

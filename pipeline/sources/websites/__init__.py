"""Web pages: asking for them politely and safely, saying what came of it, and taking the text out of them."""

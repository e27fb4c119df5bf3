"""Who gets which text, and what it costs: recipients and template to a frozen plan."""

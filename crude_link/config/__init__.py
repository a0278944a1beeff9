"""From a YAML file to a checked Pipeline: names, merging, references, schema, positions of errors."""

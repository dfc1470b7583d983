"""The options that several verbs, or one long verb, have; a row of codegen.cli.verbs lists them."""

"""Files of NIR as frameworks write them: what makes them, what reads them in tests."""

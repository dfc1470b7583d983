"""Tables of samples and labels: text of any form, and Parquet."""

"""Files that outlive what made them, in a folder or an S3 bucket, and the links that lead to them."""

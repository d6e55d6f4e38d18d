"""Reading VINs from pictures of barcodes."""

"""Which machine: places sessions on nodes and carries commands to them."""

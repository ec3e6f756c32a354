terraform import slipway_node_pool.memory 6a6d1d4b-1c1e-4f0e-9a55-0c6f6c0a1b2c/0d9e8f7a-2b3c-4d5e-8f90-1a2b3c4d5e6f # cluster id / pool id

import {
  to = slipway_node_pool.memory
  id = "6a6d1d4b-1c1e-4f0e-9a55-0c6f6c0a1b2c/memory"
}

import {
  to = slipway_platform.main
  identity = {
    id = "acme"
  }
}

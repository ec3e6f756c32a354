import {
  to = slipway_platform.main
  id = "acme"
}
